//! `POST /v1/account/sign-in`: a new session for a person who knows their password.
//!
//! An unknown address and a wrong password get the same answer in the same time, and count toward the lockout.

use axum::extract::State;
use axum::response::Response;
use crypto::{Plaintext, random};
use edge::body::SMALL;
use edge::{Body, Error, Json, SameOrigin, SourceAddress};
use http::HeaderMap;
use protocol::UserId;
use serde::Deserialize;
use store::accounts;
use vault::audit::{Action, ActorKind, Origin};
use vault::model::User;

use crate::sign_up::SignedIn;
use crate::{App, new_session, with_cookie};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    email: String,
    password: Plaintext,
    /// Taken for accounts that have a second factor; no account has one yet.
    #[serde(default, rename = "totp")]
    _totp: Option<Plaintext>,
}

pub(crate) async fn sign_in(
    State(app): State<App>,
    _: SameOrigin,
    from: SourceAddress,
    headers: HeaderMap,
    Body(body): Body<SignIn, SMALL>,
) -> Result<Response, Error> {
    let turn = app.turn(from.ip()).await?;
    let user = app.user_by_email(&body.email).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let right = turn.verify(body.password, hash).await?;
    let now = app.clock.now();
    let origin = |user: &User| Origin {
        vault: user.vault,
        owner: user.id,
        actor: ActorKind::User,
        address: Some(from.ip()),
        at: now,
    };
    match user {
        Some(user) if right => {
            let (session, token) = new_session(user.id, from.ip(), &headers, now)?;
            let mut write = app.store.transaction();
            write.put_new(&session);
            write.record(&origin(&user).record(Action::SessionCreate, "Signed in"));
            write.commit().await?;
            with_cookie(Json(SignedIn { user_id: user.id, vault_id: user.vault }), Some(&token))
        }
        known => {
            let record = known.map(|user| origin(&user).record(Action::AuthFailure, "Sign-in with a wrong password"));
            let audit = app.store.audit();
            let recorded = async {
                match &record {
                    Some(record) => audit.record(record).await,
                    None => Ok(()),
                }
            };
            // Side by side, so that the record of a known address takes no time of its own.
            let (recorded, failed) = tokio::join!(recorded, app.attempts.failed(from.ip()));
            recorded?;
            Err(failed)
        }
    }
}

impl App {
    async fn user_by_email(&self, email: &str) -> Result<Option<User>, Error> {
        // Longer than any address that was taken, so of nobody; and kept out of the key.
        if email.len() > 254 {
            return Ok(None);
        }
        let address = self.store.get(&accounts::email_address(&email.to_lowercase())).await?;
        // An address that nobody has leads to nobody, by the same two reads.
        let nobody = || UserId::from_entropy(random::bytes());
        Ok(self.store.get(&accounts::user(address.map_or_else(nobody, |address| address.user))).await?)
    }
}
