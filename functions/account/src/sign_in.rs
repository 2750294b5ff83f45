//! `POST /v1/account/sign-in`: a new session for a person who knows their password and, if they have a second factor,
//! brings a code of it.
//!
//! An unknown address and a wrong password get the same answer in the same time. Both count toward the lockout of the
//! source address and hold back the account. So does a wrong code. A code that is missing is asked for; only who knows the password learns that there is a second factor.

use axum::extract::State;
use crypto::{Plaintext, random};
use edge::body::SMALL;
use edge::second_factor::Proof;
use edge::{Body, Code, Error, Json, SameOrigin, SignedIn, SourceAddress, WithCookie, new_session};
use http::HeaderMap;
use protocol::VaultId;
use rules::audit::{Action, ActorKind, Origin, Record};
use rules::lockout::Guessed;
use rules::nouns::User;
use schemars::JsonSchema;
use serde::Deserialize;
use store::person;

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    email: String,
    password: Plaintext,
    /// A code of the authenticator app, or a recovery code.
    totp: Option<Plaintext>,
}

pub(crate) async fn sign_in(
    State(app): State<App>,
    _: SameOrigin,
    from: SourceAddress,
    headers: HeaderMap,
    Body(body): Body<SignIn, SMALL>,
) -> Result<WithCookie<Json<SignedIn>>, Error> {
    let email = body.email.trim();
    let begun = app.passwords.begin(app.passwords.turn_at(from.ip()).await?, email).await?;
    let known = app.store.user_by_email(email).await?;
    let hash = known.as_ref().map(|user| user.password_hash.clone());
    // Of nobody too, so that the time is the same.
    let vault = known.as_ref().map_or_else(|| VaultId::from_entropy(random::bytes()), |user| user.vault);
    let origin = app.origins.find(vault, ActorKind::User, Some(from.ip()), app.clock.now()).await?;
    let right = begun.turn.verify(body.password, hash).await?;
    let now = app.clock.now();
    let entry = |user: &User, action, detail: &str| {
        let record = origin.map(|origin| Origin { at: now, ..origin }.entry(action, detail).person(user.id));
        record.ok_or_else(|| Error::internal("somebody of a vault that is not there"))
    };
    let user = match known {
        Some(user) if right => user,
        known => {
            let wrong = |user| entry(&user, Action::AuthFailure, "Sign-in with a wrong password");
            let record = known.map(wrong).transpose()?;
            return Err(app.failed(from, record).await);
        }
    };
    let factor = app.store.second_factor(user.id).await?;
    let proof = match (factor, body.totp) {
        (None, _) => None,
        (Some(_), None) => {
            begun.open().await?;
            let text = "A code of your authenticator app, or a recovery code, has to be sent as totp";
            return Err(Error::new(Code::SecondFactorRequired, text));
        }
        (Some(factor), Some(code)) => {
            let Some(proof) = app.codes.judge(&begun.turn, user.vault, &factor, code).await? else {
                let record = entry(&user, Action::AuthFailure, "Sign-in with a wrong code")?;
                return Err(app.failed(from, Some(record)).await);
            };
            Some((factor, proof))
        }
    };
    begun.right().await?;
    let (session, cookie) = new_session(user.id, from.ip(), &headers, now)?;
    let detail = proof.as_ref().map_or("Signed in", |(_, proof)| match proof {
        Proof::Code(_) => "Signed in with a code",
        Proof::RecoveryCode(_) => "Signed in with a recovery code",
    });
    let record = entry(&user, Action::SessionCreate, detail)?;
    let mut write = app.store.transaction();
    // A password that was set meanwhile ends this too.
    write.require_if(&person::row(user.id), [person::PASSWORD_HASH.is(&user.password_hash)]);
    if let Some((factor, proof)) = &proof {
        write.change(proof.spend(factor));
    }
    write.put_new(&session);
    write.record(&record);
    write.commit().await?;
    Ok(WithCookie(Json(SignedIn { user_id: user.id, vault_id: user.vault }), cookie))
}

impl App {
    /// Counts a failure, and records it where it is somebody's.
    async fn failed(&self, from: SourceAddress, record: Option<Record>) -> Error {
        self.attempts.refuse(Guessed::Password, from.ip(), record, Error::unauthenticated()).await
    }
}
