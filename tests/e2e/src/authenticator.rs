//! What people hold in their hands: a browser with an authenticator in software, and an app that shows codes. All by others
//! than the libraries that our server uses.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use passkey::authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
use passkey::client::{Client, DefaultClientData};
use passkey::crypto::AvailableBackend;
use passkey::types::Passkey;
use passkey::types::ctap2::{Aaguid, Ctap2Error};
use passkey::types::webauthn::{CredentialCreationOptions, CredentialRequestOptions};
use public_suffix::PublicSuffixList;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::roles::PASSWORD;
use crate::world::URL;
use crate::{Person, Request, World};

/// Somebody who touches the sensor whenever asked; it may fail to know them.
struct Finger {
    known: bool,
}

#[async_trait]
impl UserValidationMethod for Finger {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(&self, hint: UiHint<'a, Passkey>, _: bool, _: bool) -> Result<UserCheck, Ctap2Error> {
        if let UiHint::InformExcludedCredentialFound(_) = hint {
            return Err(Ctap2Error::CredentialExcluded);
        }
        Ok(UserCheck { presence: true, verification: self.known })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

/// The same as browsers write it: bytes in Base64, where this library writes them as lists.
fn encoded(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, encoded(value))).collect(),
        Value::Array(list) => {
            let bytes: Option<Vec<u8>> = list.iter().map(|byte| byte.as_u64()?.try_into().ok()).collect();
            match bytes.filter(|bytes| !bytes.is_empty()) {
                Some(bytes) => URL_SAFE_NO_PAD.encode(bytes).into(),
                None => list.into_iter().map(encoded).collect(),
            }
        }
        other => other,
    }
}

/// The browser, with one passkey at most.
pub struct Browser {
    client: Client<Option<Passkey>, Finger, AvailableBackend, PublicSuffixList, ()>,
    origin: String,
}

impl Browser {
    /// One that shows this page.
    pub fn at(origin: &str) -> Self {
        let mut authenticator = Authenticator::new(Aaguid::new_empty(), None, Finger { known: true }, AvailableBackend);
        authenticator.set_make_credentials_with_signature_counter(true);
        let client = Client::new(authenticator).allows_insecure_localhost(true);
        Self { client, origin: origin.to_owned() }
    }

    /// The same browser and authenticator on another page.
    pub fn moved_to(self, origin: &str) -> Self {
        Self { origin: origin.to_owned(), ..self }
    }

    /// `navigator.credentials.create`.
    pub async fn create(&mut self, public_key: &Value) -> Option<Value> {
        let options: CredentialCreationOptions =
            serde_json::from_value(json!({ "publicKey": public_key })).expect("options that a browser takes");
        let origin = self.origin.parse::<url::Url>().unwrap();
        let made = self.client.register(&origin, options, DefaultClientData).await.ok()?;
        Some(encoded(serde_json::to_value(made).unwrap()))
    }

    /// `navigator.credentials.get`.
    pub async fn get(&mut self, public_key: &Value) -> Option<Value> {
        let mut public_key = public_key.clone();
        if public_key["allowCredentials"] == json!([]) {
            // To a browser that means any; this library wants it said.
            public_key["allowCredentials"] = Value::Null;
        }
        let options: CredentialRequestOptions =
            serde_json::from_value(json!({ "publicKey": public_key })).expect("options that a browser takes");
        let origin = self.origin.parse::<url::Url>().unwrap();
        let signed = self.client.authenticate(&origin, options, DefaultClientData).await.ok()?;
        Some(encoded(serde_json::to_value(signed).unwrap()))
    }
}

impl Browser {
    /// A browser that begins to add a passkey of this person's: what the end of the ceremony takes.
    pub async fn begin_passkey(owner: &Person<'_>) -> (Self, Value, Value) {
        let mut browser = Self::at(URL);
        let begun =
            owner.post("/v1/account/passkeys/register", &json!({ "password": PASSWORD })).await.expect(200).json();
        let credential = browser.create(&begun["publicKey"]).await.expect("a credential");
        (browser, begun["ceremony"].clone(), credential)
    }

    /// A browser that has a passkey of this person's, and the passkey's id.
    pub async fn with_passkey(owner: &Person<'_>, name: &str) -> (Self, String) {
        let (browser, ceremony, credential) = Self::begin_passkey(owner).await;
        let finish = json!({ "ceremony": ceremony, "name": name, "credential": credential });
        let added = owner.post("/v1/account/passkeys/register/finish", &finish).await.expect(200);
        (browser, added.field("passkeyId"))
    }

    /// Begins a sign-in with its passkey: what the end of the ceremony takes.
    pub async fn begin_sign_in(&mut self, world: &World) -> (Value, Value) {
        let request = Request::new("POST", "/v1/account/passkeys/sign-in").header("x-sikkerkey-request", "1");
        let begun = world.send(request.json(&json!({}))).await.expect(200).json();
        let credential = self.get(&begun["publicKey"]).await.expect("an assertion");
        (begun["ceremony"].clone(), credential)
    }
}

/// An authenticator app, by the library alone.
pub struct CodeApp {
    seed: Vec<u8>,
}

impl CodeApp {
    /// One with this seed.
    pub fn with(base32: &str) -> Self {
        Self { seed: Secret::try_from_base32(base32).unwrap().as_bytes().to_vec() }
    }

    /// One that a person has begun to enroll.
    pub async fn begin(owner: &Person<'_>) -> Self {
        let begun = owner.post("/v1/account/totp/enroll", &json!({ "password": PASSWORD })).await.expect(200);
        Self::with(&begun.field("secret"))
    }

    /// One that a person has enrolled, and the recovery codes.
    pub async fn enroll(owner: &Person<'_>) -> (Self, Vec<String>) {
        let app = Self::begin(owner).await;
        let code = json!({ "totp": app.code(owner.world.now()) });
        let confirmed = owner.post("/v1/account/totp/confirm", &code).await.expect(200).json();
        let codes = confirmed["recoveryCodes"].as_array().unwrap();
        (app, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
    }

    /// The code it shows at this time.
    pub fn code(&self, at: rules::Time) -> String {
        let totp = Builder::new().with_secret(Secret::new(self.seed.clone().into())).build().unwrap();
        totp.generate(at.seconds()).to_string()
    }

    /// The seed itself.
    pub fn seed(&self) -> &[u8] {
        &self.seed
    }
}
