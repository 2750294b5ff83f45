//! `GET /v1/secret/{secretId}`: one secret's value, to a machine that may read it.
//!
//! This is the main path of the product. Warm it costs one `BatchGetItem` and one `PutItem`, and no call to the key
//! layer. No value leaves before its audit record is written.

use axum::extract::State;
use edge::answer::SecretJson;
use edge::{Base, Error, Gate, Opener, Routes, SignedRequest, answer};
use schemars::JsonSchema;
use serde::Serialize;
use store::{KeyRing, Values};

#[derive(Clone)]
struct App {
    gate: Gate,
    opener: Opener,
}

/// The function's route.
pub fn routes(base: &Base, values: Values, keys: KeyRing) -> Routes {
    let app = App { gate: Gate::new(base), opener: Opener::new(base, values, keys) };
    Routes::of("read-secret").get("/v1/secret/{secretId}", read_secret).with_state(app)
}

#[derive(Serialize, JsonSchema)]
struct SecretValue<'a> {
    value: &'a str,
}

async fn read_secret(
    State(app): State<App>,
    request: SignedRequest,
) -> Result<SecretJson<SecretValue<'static>>, Error> {
    let id = request.last_segment().parse().ok();
    let read = app.gate.read(&request, id, |id| app.opener.current(id)).await?;
    let (value, version) = app.opener.open(&read.project, &read.secret, read.also, read.now).await?;
    app.gate.note_delivery(&read.grant, version).await?;
    let text = value.expose_str().ok_or_else(|| Error::internal("a stored value is not UTF-8"))?;
    Ok(answer::secret_json(&SecretValue { value: text }, value.len()))
}
