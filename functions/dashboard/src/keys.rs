//! `GET /v1/webhooks/keys`: the public keys that deliveries to webhooks are signed with, for receivers. Nothing in it is secret.

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use crypto::{PublicKey, sha256};
use edge::{Error, Json};
use schemars::JsonSchema;
use serde::Serialize;
use store::webhook;

use crate::App;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WebhookKeys")]
pub(crate) struct Keys {
    /// None before the deployment's first webhook.
    keys: Vec<Key>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WebhookKey")]
#[serde(rename_all = "camelCase")]
struct Key {
    /// Changes with the key.
    id: String,
    /// `whpk_` and the standard base64 of an Ed25519 public key, as the libraries of Standard Webhooks take it.
    public_key: String,
}

impl Key {
    fn of(key: PublicKey) -> Self {
        let text = key.to_base64();
        let id = STANDARD_NO_PAD.encode(sha256(text.as_bytes())).chars().take(12).collect();
        Self { id, public_key: format!("whpk_{text}") }
    }
}

/// `GET /v1/webhooks/keys`: the public keys that deliveries to webhooks are signed with.
pub(crate) async fn keys(State(app): State<App>) -> Result<Json<Keys>, Error> {
    let key = app.store.get(&webhook::deployment_key()).await?;
    Ok(Json(Keys { keys: key.into_iter().map(|key| Key::of(key.public_key)).collect() }))
}
