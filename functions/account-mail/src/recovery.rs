//! `POST /v1/account/recovery` and `/confirm`: a new password for who has lost it and has their mailbox.
//!
//! Asking is answered the same whether there is an account or not, and in the same time: `send-mail` finds out later. The
//! link ends all sessions and signs nobody in: a second factor is still asked for afterwards.

use axum::extract::State;
use crypto::{Plaintext, TokenHash};
use edge::answer::{Done, Nothing};
use edge::body::SMALL;
use edge::{Body, Error, Json, MailRequest, SameOrigin, SourceAddress, done};
use rules::audit::{Action, ActorKind, Origin};
use rules::limits;
use rules::lockout::Guessed;
use rules::nouns::{LinkPurpose, MailedLink, User};
use schemars::JsonSchema;
use serde::Deserialize;
use store::{link, person};

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "LostPassword")]
#[serde(deny_unknown_fields)]
pub(crate) struct Lost {
    email: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PasswordReset")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// What the link in the mail ends with.
    token: String,
    new_password: Plaintext,
}

/// `POST /v1/account/recovery`: has a link to a new password sent, if there is an account with this address.
pub(crate) async fn ask(
    State(app): State<App>,
    _: SameOrigin,
    from: SourceAddress,
    Body(body): Body<Lost, SMALL>,
) -> Result<Json<Done<Nothing>>, Error> {
    let email = limits::email(&body.email)?;
    app.mail.push(MailRequest::ResetPassword { email, address: from.ip() }).await?;
    Ok(done(Nothing {}))
}

/// `POST /v1/account/recovery/confirm`: sets a new password by the link.
pub(crate) async fn confirm(
    State(app): State<App>,
    _: SameOrigin,
    from: SourceAddress,
    Body(body): Body<NewPassword, SMALL>,
) -> Result<Json<Done<Nothing>>, Error> {
    limits::new_password("newPassword", &body.new_password)?;
    let (link, user) = app.link(&body.token, LinkPurpose::ResetPassword, from).await?;
    let turn = app.passwords.turn().await?;
    let hash = turn.hash(body.new_password).await?;
    let now = app.clock.now();
    let mut change = person::row(user.id)
        .change()
        .set(person::PASSWORD_HASH, &hash)
        .set(person::SESSIONS_SINCE, &Some(now))
        .only_if(person::PASSWORD_HASH.is(&user.password_hash));
    if user.email_verified_at.is_none() {
        // The link came to this address.
        change = change.set(person::EMAIL_VERIFIED_AT, &Some(now));
    }
    let mut write = app.store.transaction();
    let unused = write.delete_existing(&link::row(&link.hash));
    write.change(change);
    let detail = "Password set with a mailed link; all sessions ended";
    write.record(&app.by_link(&user, from).await?.entry(Action::PasswordReset, detail));
    if !write.commit_unless_refused(unused).await? {
        return Err(Error::gone());
    }
    Ok(done(Nothing {}))
}

impl App {
    /// A mailed link that is good, and whose it is. One that is not there counts toward the lockout.
    pub(crate) async fn link(
        &self,
        token: &str,
        purpose: LinkPurpose,
        from: SourceAddress,
    ) -> Result<(MailedLink, User), Error> {
        let link = match TokenHash::of_link_text(token) {
            Some(hash) => self.store.get(&link::row(&hash)).await?,
            None => None,
        };
        let Some(link) = link else {
            return Err(self.attempts.refuse(Guessed::Token, from.ip(), None, Error::gone()).await);
        };
        let user = self.store.get(&person::row(link.user)).await?.filter(|user| link.is_for(user));
        let good = link.purpose == purpose && link.expires_at > self.clock.now();
        match user.filter(|_| good) {
            Some(user) => Ok((link, user)),
            None => Err(Error::gone()),
        }
    }

    /// Where a record of what a link did comes from.
    pub(crate) async fn by_link(&self, user: &User, from: SourceAddress) -> Result<Origin, Error> {
        self.origins.in_vault(user.vault, ActorKind::External, Some(from.ip()), self.clock.now()).await
    }
}
