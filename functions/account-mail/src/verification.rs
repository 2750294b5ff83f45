//! `POST /v1/account/verification` and `/confirm`: showing that an e-mail address is one's own.

use axum::extract::State;
use edge::answer::{Done, Nothing};
use edge::body::SMALL;
use edge::{Body, Code, Error, Json, MailRequest, Person, SameOrigin, SourceAddress, done};
use rules::audit::Action;
use rules::nouns::LinkPurpose;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{link, person};

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "VerificationLink")]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    /// What the link in the mail ends with.
    token: String,
}

/// `POST /v1/account/verification`: has the link that verifies one's address sent again.
pub(crate) async fn ask(State(app): State<App>, person: Person) -> Result<Json<Done<Nothing>>, Error> {
    if person.user.email_verified_at.is_some() {
        return Err(Error::new(Code::EmailVerified, "This address is verified"));
    }
    app.mail.push(MailRequest::VerifyEmail { user: person.user.id }).await?;
    Ok(done(Nothing {}))
}

/// `POST /v1/account/verification/confirm`: verifies an address by the link. Whoever has it has the mailbox; nobody has
/// to be signed in.
pub(crate) async fn confirm(
    State(app): State<App>,
    _: SameOrigin,
    from: SourceAddress,
    Body(body): Body<Link, SMALL>,
) -> Result<Json<Done<Nothing>>, Error> {
    let (link, user) = app.link(&body.token, LinkPurpose::VerifyEmail, from).await?;
    let mut write = app.store.transaction();
    let unused = write.delete_existing(&link::row(&link.hash));
    write.change(person::row(user.id).change().set(person::EMAIL_VERIFIED_AT, &Some(app.clock.now())));
    write.record(&app.by_link(&user, from).await?.entry(Action::EmailVerify, "E-mail address verified"));
    if !write.commit_unless_refused(unused).await? {
        return Err(Error::gone());
    }
    Ok(done(Nothing {}))
}
