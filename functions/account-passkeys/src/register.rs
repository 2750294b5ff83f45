//! `POST /v1/account/passkeys/register` and `/finish`: a new passkey for a signed-in person who knows their password and, if
//! they have a second factor, has just shown it.

use axum::extract::State;
use crypto::{Plaintext, sha256};
use edge::answer::Done;
use edge::body::SMALL;
use edge::{Body, Code, Error, Json, Person, done};
use rules::audit::Action;
use rules::limits::{self, NAME};
use rules::nouns::{Passkey, PasskeyId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::passkey;
use webauthn_rs::prelude::{
    CredentialID, Passkey as Credential, PasskeyRegistration, RegisterPublicKeyCredential, Uuid,
};
use webauthn_rs_proto::{PublicKeyCredentialCreationOptions, ResidentKeyRequirement};

use crate::{App, Touched};

/// Most passkeys of one person.
const MOST: usize = 20;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PasskeyRegistration")]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    password: Plaintext,
}

/// What `navigator.credentials.create` is given.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PasskeyCreation")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Begun {
    /// To be sent at the end.
    ceremony: String,
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    public_key: PublicKeyCredentialCreationOptions,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "CreatedPasskey")]
#[serde(deny_unknown_fields)]
pub(crate) struct Finish {
    ceremony: String,
    /// What the person calls the passkey.
    #[schemars(length(min = 1, max = NAME))]
    name: String,
    /// What `navigator.credentials.create` gave, as JSON.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    credential: RegisterPublicKeyCredential,
}

/// The id of a passkey, from its credential's: one credential cannot be added twice.
pub(crate) fn id_of(credential: &[u8]) -> PasskeyId {
    let mut id = [0; 16];
    id.iter_mut().zip(sha256(credential)).for_each(|(to, from)| *to = from);
    PasskeyId::from_entropy(id)
}

/// `POST /v1/account/passkeys/register`: begins to add a passkey.
pub(crate) async fn start(
    State(app): State<App>,
    person: Person,
    Body(body): Body<Start, SMALL>,
) -> Result<Json<Begun>, Error> {
    let webauthn = app.webauthn()?;
    app.passwords.confirm_alone(&person, body.password, "Adding of a passkey").await?;
    let factor = app.store.second_factor(person.user.id).await?;
    if factor.is_some_and(|factor| !person.session.has_shown(&factor, person.now)) {
        // A passkey signs in without a code, so it must not be had without one.
        return Err(Error::step_up_required());
    }
    let known = app.store.passkeys(person.user.id).await?;
    if known.len() >= MOST {
        return Err(Error::new(Code::LimitReached, format!("No more than {MOST} passkeys; remove one first")));
    }
    let known = known.iter().map(|passkey| credential_of(passkey).map(|credential| credential.cred_id().clone()));
    let known: Vec<CredentialID> = known.collect::<Result<_, _>>()?;
    let user = &person.user;
    let id = Uuid::parse_str(&user.id.to_string()).map_err(|error| Error::internal(error.to_string()))?;
    let (options, state) = webauthn
        .start_passkey_registration(id, &user.email, &user.username, Some(known))
        .map_err(|error| Error::internal(error.to_string()))?;
    let mut public_key = options.public_key;
    if let Some(selection) = &mut public_key.authenticator_selection {
        // Otherwise nobody could sign in without saying first who they are.
        selection.resident_key = Some(ResidentKeyRequirement::Required);
        selection.require_resident_key = true;
    }
    let ceremony = app.begin(Some(user.id), &state, person.now).await?;
    Ok(Json(Begun { ceremony, public_key }))
}

/// `POST /v1/account/passkeys/register/finish`: adds the passkey that the browser made.
pub(crate) async fn finish(
    State(app): State<App>,
    person: Person,
    Body(body): Body<Finish, SMALL>,
) -> Result<Json<Done<Touched>>, Error> {
    let name = limits::name("name", &body.name, NAME)?;
    let (hash, state) = app.begun::<PasskeyRegistration>(&body.ceremony, Some(person.user.id), person.now).await?;
    let credential = app.webauthn()?.finish_passkey_registration(&body.credential, &state).map_err(|error| {
        let text = "credential is not one that this ceremony asked for";
        Error::new(Code::Invalid, text).inside(error.to_string())
    })?;
    let passkey = Passkey {
        id: id_of(credential.cred_id()),
        user: person.user.id,
        name,
        credential: text_of(&credential)?,
        created_at: person.now,
        last_used_at: None,
    };
    let mut write = app.store.transaction();
    let open = write.delete_existing(&passkey::ceremony(&hash));
    write.put_new(&passkey);
    write.record(&person.entry(Action::PasskeyAdd, format!("Passkey {} added", passkey.name)));
    if !write.commit_unless_refused(open).await? {
        return Err(Error::gone());
    }
    Ok(done(Touched { passkey_id: passkey.id }))
}

/// A credential as it is stored.
pub(crate) fn text_of(credential: &Credential) -> Result<String, Error> {
    serde_json::to_string(credential).map_err(|error| Error::internal(error.to_string()))
}

/// A stored credential.
pub(crate) fn credential_of(passkey: &Passkey) -> Result<Credential, Error> {
    serde_json::from_str(&passkey.credential).map_err(|_| Error::internal("a stored passkey of another shape"))
}
