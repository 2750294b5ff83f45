//! `GET /v1/secret/{secretId}`: one secret's value, to a machine that may read it.
//!
//! This is the main path of the product. Warm it costs one `BatchGetItem` and one `PutItem`, and no call to the key
//! layer. No value leaves before its audit record is written.

use axum::extract::State;
use edge::answer::SecretJson;
use edge::{Error, Gate, Opener, Routes, Services, SignedRequest, answer};
use protocol::SecretId;
use schemars::JsonSchema;
use serde::Serialize;
use store::{Store, Values};
use vault::audit::Action;
use vault::read_gate::decide;

#[derive(Clone)]
struct App {
    gate: Gate,
    values: Values,
    opener: Opener,
    store: Store,
}

/// The function's route.
pub fn routes(services: &Services) -> Routes {
    let app = App {
        gate: Gate::new(services),
        values: services.values.clone(),
        opener: Opener::new(services),
        store: services.store.clone(),
    };
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
    // An id of another shape is an unknown secret, which the gate finds after it knows who asks.
    let id: Option<SecretId> = request.last_segment().parse().ok();
    let (facts, value) = match id {
        Some(id) => app.gate.facts_about(&request, id, &app.values.current(id)).await?,
        None => (app.gate.facts(&request).await?, None),
    };

    let now = app.gate.now();
    let signed_text = request.signed_text();
    let target = facts.target();
    let verdict = decide(&facts.caller(&request, &signed_text), &target, now);

    let record = match &verdict {
        // The gate admits nobody whose machine and vault are unknso there is a record; without one nothing goes on.
        Ok(_) => Some(
            facts
                .record(&request, now, Action::SecretRead, "Secret read")
                .ok_or_else(|| Error::internal("an admitted read without a record"))?,
        ),
        Err(refusal) if refusal.is_authentication_failure() => None,
        Err(refusal) => facts.record(&request, now, Action::SecretReadDenied, refusal.reason()),
    };
    let record = record.map(|record| match (id, target.project) {
        (Some(id), Some(project)) if project.vault == record.vault => record.secret(id).project(project.id),
        (Some(id), _) => record.secret(id),
        (None, _) => record,
    });
    app.gate.settle(&request, &facts, now, verdict.map(|_| ()), record).await?;

    let admitted = verdict?;
    let (value, version) = app.opener.open(admitted.project, admitted.secret, value, now).await?;
    app.store.note_delivery(admitted.grant, version).await?;
    let text = value.expose_str().ok_or_else(|| Error::internal("a stored value is not UTF-8"))?;
    Ok(answer::secret_json(&SecretValue { value: text }, value.len()))
}
