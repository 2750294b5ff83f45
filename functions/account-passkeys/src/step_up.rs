//! `POST /v1/account/step-up` and `/passkey`: a signed-in person shows again who they are, before an act that makes a reader
//! or destroys. It holds for five minutes, for this session only.
//!
//! Who has a second factor shows a code of it, or a passkey: a password alone is what the second factor is there against.

use axum::extract::State;
use crypto::Plaintext;
use edge::body::SMALL;
use edge::second_factor::Proof;
use edge::{Body, Code, Error, Json, Person};
use rules::Time;
use rules::audit::Action;
use rules::nouns::{SecondFactor, Session};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, passkey, session};
use webauthn_rs::prelude::{DiscoverableAuthentication, PublicKeyCredential};

use crate::App;
use crate::sign_in::Begun;

/// One of a password, a code, and the end of a ceremony.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepUp {
    password: Option<Plaintext>,
    /// A code of the authenticator app, or a recovery code.
    totp: Option<Plaintext>,
    ceremony: Option<String>,
    /// What `navigator.credentials.get` gave, as JSON.
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    credential: Option<PublicKeyCredential>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SteppedUp {
    fresh_until: Time,
}

/// `POST /v1/account/step-up/passkey`: begins to step up with a passkey.
pub(crate) async fn start(State(app): State<App>, person: Person) -> Result<Json<Begun>, Error> {
    app.begin_use(Some(person.user.id), person.now).await
}

/// `POST /v1/account/step-up`: shows again who one is, with a password, a code or a passkey.
pub(crate) async fn finish(
    State(app): State<App>,
    person: Person,
    Body(body): Body<StepUp, SMALL>,
) -> Result<Json<SteppedUp>, Error> {
    match (body.password, body.totp, body.ceremony, body.credential) {
        (Some(password), None, None, None) => app.by_password(&person, password).await?,
        (None, Some(code), None, None) => app.by_code(&person, code).await?,
        (None, None, Some(ceremony), Some(credential)) => app.by_passkey(&person, &ceremony, &credential).await?,
        _ => return Err(Error::new(Code::Invalid, "Send one of password, totp, and ceremony with credential")),
    }
    let fresh_until = person.now.plus_seconds(Session::PROVED_SECONDS);
    Ok(Json(SteppedUp { fresh_until }))
}

const WHAT: &str = "Step-up";

impl App {
    async fn by_password(&self, person: &Person, password: Plaintext) -> Result<(), Error> {
        if self.store.second_factor(person.user.id).await?.is_some() {
            let text = "This account has a second factor: send a code as totp, or use a passkey";
            return Err(Error::new(Code::SecondFactorRequired, text));
        }
        self.passwords.confirm_alone(person, password, WHAT).await?;
        self.prove(person, None, "with the password").await
    }

    async fn by_code(&self, person: &Person, code: Plaintext) -> Result<(), Error> {
        let Some(factor) = self.store.second_factor(person.user.id).await? else {
            return Err(Error::new(Code::SecondFactorMissing, "This account has no second factor; send the password"));
        };
        let begun = self.passwords.begin_again(person).await?;
        let Some(proof) = self.codes.judge(&begun.turn, person.user.vault, &factor, code).await? else {
            return Err(self.passwords.refuse(person, format!("{WHAT} with a wrong code")).await);
        };
        begun.right().await?;
        let how = match &proof {
            Proof::Code(_) => "with a code",
            Proof::RecoveryCode(_) => "with a recovery code",
        };
        self.prove(person, Some(proof.spend(&factor)), how).await
    }

    /// Says that the session's person has just shown who they are; with it a code is used up.
    async fn prove(&self, person: &Person, used_up: Option<Change<SecondFactor>>, how: &str) -> Result<(), Error> {
        let mut write = self.store.transaction();
        if let Some(used_up) = used_up {
            write.change(used_up);
        }
        // A session that was revoked meanwhile stays revoked.
        write.change(session::row(&person.session.hash).change().set(session::PROVED_AT, &Some(person.now)));
        write.record(&person.entry(Action::StepUp, format!("Stepped up {how}")));
        Ok(write.commit().await?)
    }

    async fn by_passkey(&self, person: &Person, ceremony: &str, answer: &PublicKeyCredential) -> Result<(), Error> {
        let of = Some(person.user.id);
        let (hash, state) = self.begun::<DiscoverableAuthentication>(ceremony, of, person.now).await?;
        let claimed = self.claimed(answer).await?.filter(|(user, _)| user.id == person.user.id);
        let used = match &claimed {
            Some((_, passkey)) => self.verified(passkey, answer, state)?.map(|credential| (passkey, credential)),
            None => None,
        };
        let Some((passkey, credential)) = used else {
            return Err(self.passwords.refuse(person, format!("{WHAT} with a wrong passkey")).await);
        };
        let mut write = self.store.transaction();
        let open = write.delete_existing(&passkey::ceremony(&hash));
        write.change(Self::used(passkey, &credential, person.now));
        write.change(session::row(&person.session.hash).change().set(session::PROVED_AT, &Some(person.now)));
        write.record(&person.entry(Action::StepUp, format!("Stepped up with passkey {}", passkey.name)));
        if !write.commit_unless_refused(open).await? {
            return Err(Error::gone());
        }
        Ok(())
    }
}
