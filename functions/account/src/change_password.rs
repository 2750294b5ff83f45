//! `POST /v1/account/password`: another password, for a signed-in person who knows the one they have. It ends all their
//! other sessions.
//!
//! A wrong current password counts toward the lockout like one at sign-in: whoever has only the session learns nothing
//! by trying.

use axum::extract::State;
use crypto::Plaintext;
use edge::answer::Done;
use edge::body::SMALL;
use edge::{Body, Error, Json, Person, done};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Update, accounts};
use vault::audit::Action;
use vault::limits;

use crate::App;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Change {
    current_password: Plaintext,
    new_password: Plaintext,
}

pub(crate) async fn change(
    State(app): State<App>,
    person: Person,
    Body(body): Body<Change, SMALL>,
) -> Result<Json<Done<Value>>, Error> {
    limits::new_password("newPassword", &body.new_password)?;
    let turn = app.turn(person.address).await?;
    let known = person.user.password_hash.clone();
    if !turn.verify(body.current_password, Some(known.clone())).await? {
        let failure = person.record(Action::AuthFailure, "Change of password with a wrong password");
        app.store.audit().record(&failure).await?;
        return Err(app.attempts.failed(person.address).await);
    }
    let hash = turn.hash(body.new_password).await?;
    let mut write = app.store.transaction();
    write.update(
        Update::existing(&accounts::user(person.user.id))
            .set("passwordHash", &hash)?
            .when_equals("passwordHash", &known)?,
    );
    write.record(&person.record(Action::PasswordChange, "Password changed"));
    write.commit().await?;
    let others = app.store.sessions(person.user.id).await?.into_iter().filter(|other| other.id != person.session.id);
    let others: Vec<_> = others.collect();
    app.store.delete_all(&others).await?;
    Ok(done(json!({ "sessionsEnded": others.len() })))
}
