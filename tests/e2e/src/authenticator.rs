//! A browser with an authenticator in software, both by others than the library that our server uses.

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
