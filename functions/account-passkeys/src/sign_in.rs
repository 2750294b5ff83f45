//! `POST /v1/account/passkeys/sign-in` and `/finish`: a new session for who has a passkey.
//!
//! The beginning asks for no name and answers everybody the same. A wrong end counts toward the lockout, as a wrong password
//! does.

use axum::extract::State;
use edge::body::SMALL;
use edge::{Body, Error, Json, SameOrigin, SignedIn, SourceAddress, WithCookie, new_session};
use http::HeaderMap;
use protocol::UserId;
use rules::Time;
use rules::audit::{Action, ActorKind};
use rules::lockout::Guessed;
use rules::nouns::{Passkey, User};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, passkey, person};
use webauthn_rs::prelude::{DiscoverableAuthentication, DiscoverableKey, PublicKeyCredential};
use webauthn_rs_proto::PublicKeyCredentialRequestOptions;

use crate::App;
use crate::register::{credential_of, id_of, text_of};

/// What `navigator.credentials.get` is given.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PasskeyRequest")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Begun {
    /// To be sent at the end.
    ceremony: String,
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    public_key: PublicKeyCredentialRequestOptions,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PasskeyAnswer")]
#[serde(deny_unknown_fields)]
pub(crate) struct Finish {
    ceremony: String,
    /// What `navigator.credentials.get` gave, as JSON.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    credential: PublicKeyCredential,
}

/// `POST /v1/account/passkeys/sign-in`: begins a sign-in with a passkey.
pub(crate) async fn start(State(app): State<App>, _: SameOrigin) -> Result<Json<Begun>, Error> {
    app.begin_use(None, app.clock.now()).await
}

/// `POST /v1/account/passkeys/sign-in/finish`: a new session for who has the passkey.
pub(crate) async fn finish(
    State(app): State<App>,
    _: SameOrigin,
    from: SourceAddress,
    headers: HeaderMap,
    Body(body): Body<Finish, SMALL>,
) -> Result<WithCookie<Json<SignedIn>>, Error> {
    let now = app.clock.now();
    let (hash, state) = app.begun::<DiscoverableAuthentication>(&body.ceremony, None, now).await?;
    let Some((user, passkey)) = app.claimed(&body.credential).await? else {
        return Err(app.attempts.failed(Guessed::Signature, from.ip()).await);
    };
    let origin = app.origins.in_vault(user.vault, ActorKind::User, Some(from.ip()), now).await?;
    let Some(credential) = app.verified(&passkey, &body.credential, state)? else {
        let record = origin.entry(Action::AuthFailure, "Sign-in with a wrong passkey").person(user.id);
        return Err(app.attempts.refuse(Guessed::Signature, from.ip(), Some(record), Error::unauthenticated()).await);
    };
    let (session, cookie) = new_session(user.id, from.ip(), &headers, now)?;
    let mut write = app.store.transaction();
    let open = write.delete_existing(&passkey::ceremony(&hash));
    write.change(App::used(&passkey, &credential, now));
    write.put_new(&session);
    write.record(
        &origin.entry(Action::SessionCreate, format!("Signed in with passkey {}", passkey.name)).person(user.id),
    );
    if !write.commit_unless_refused(open).await? {
        return Err(Error::gone());
    }
    Ok(WithCookie(Json(SignedIn { user_id: user.id, vault_id: user.vault }), cookie))
}

impl App {
    /// Begins a use of any passkey; of this person's, if one is known.
    pub(crate) async fn begin_use(&self, user: Option<UserId>, now: Time) -> Result<Json<Begun>, Error> {
        let begun = self.webauthn()?.start_discoverable_authentication();
        let (options, state) = begun.map_err(|error| Error::internal(error.to_string()))?;
        let ceremony = self.begin(user, &state, now).await?;
        Ok(Json(Begun { ceremony, public_key: options.public_key }))
    }

    /// Notes a use, with the counter that it left, if nobody used the passkey meanwhile.
    pub(crate) fn used(passkey: &Passkey, credential: &String, now: Time) -> Change<Passkey> {
        passkey::row(passkey.user, passkey.id)
            .change()
            .set(passkey::CREDENTIAL, credential)
            .set(passkey::LAST_USED_AT, &Some(now))
            .only_if(passkey::CREDENTIAL.is(&passkey.credential))
    }

    /// Whose passkey an answer claims to be, and that passkey.
    pub(crate) async fn claimed(&self, answer: &PublicKeyCredential) -> Result<Option<(User, Passkey)>, Error> {
        let Ok((user, credential)) = self.webauthn()?.identify_discoverable_authentication(answer) else {
            return Ok(None);
        };
        let Ok(user) = user.to_string().parse() else { return Ok(None) };
        let passkey = self.store.get(&passkey::row(user, id_of(credential))).await?;
        let user = self.store.get(&person::row(user)).await?;
        Ok(user.zip(passkey))
    }

    /// The credential with its new counter, if the answer is right.
    pub(crate) fn verified(
        &self,
        passkey: &Passkey,
        answer: &PublicKeyCredential,
        state: DiscoverableAuthentication,
    ) -> Result<Option<String>, Error> {
        let mut credential = credential_of(passkey)?;
        let key = DiscoverableKey::from(&credential);
        match self.webauthn()?.finish_discoverable_authentication_v2(answer, state, key) {
            Ok(result) if result.user_verified() => {
                credential.update_credential(&result);
                text_of(&credential).map(Some)
            }
            Ok(_) => Ok(None),
            Err(error) => {
                tracing::info!(%error, "a passkey was refused");
                Ok(None)
            }
        }
    }
}
