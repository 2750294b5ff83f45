//! `POST /v1/account/password`: another password, for a signed-in person who knows the one they have. It ends all their
//! sessions and answers with a new one.

use axum::extract::State;
use crypto::Plaintext;
use edge::answer::{Done, Nothing};
use edge::body::SMALL;
use edge::{Body, Error, Json, Person, WithCookie, done, new_session};
use http::HeaderMap;
use rules::audit::Action;
use rules::limits;
use schemars::JsonSchema;
use serde::Deserialize;
use store::person;

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PasswordChange")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Change {
    current_password: Plaintext,
    new_password: Plaintext,
}

pub(crate) async fn change(
    State(app): State<App>,
    person: Person,
    headers: HeaderMap,
    Body(body): Body<Change, SMALL>,
) -> Result<WithCookie<Json<Done<Nothing>>>, Error> {
    limits::new_password("newPassword", &body.new_password)?;
    let turn = app.passwords.confirm_alone(&person, body.current_password, "Change of password").await?;
    let hash = turn.hash(body.new_password).await?;
    let now = app.clock.now();
    let (mut session, cookie) = new_session(person.user.id, person.address, &headers, now)?;
    // A password shows no second factor.
    session.proved_at = person.session.proved_at;
    let mut write = app.store.transaction();
    write.change(
        person::row(person.user.id)
            .change()
            .set(person::PASSWORD_HASH, &hash)
            .set(person::SESSIONS_SINCE, &Some(now))
            .only_if(person::PASSWORD_HASH.is(&person.user.password_hash)),
    );
    write.put_new(&session);
    write.record(&person.entry(Action::PasswordChange, "Password changed; all other sessions ended"));
    write.commit().await?;
    Ok(WithCookie(done(Nothing {}), cookie))
}
