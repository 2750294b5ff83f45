//! `GET /v1/health`: whether the deployment answers and reaches its store, for load balancers and monitors. It tells strangers
//! nothing else.

use axum::extract::State;
use edge::{Error, Json};
use schemars::JsonSchema;
use serde::Serialize;
use store::webhook;

use crate::App;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Health {
    ok: bool,
}

/// `GET /v1/health`: whether the deployment is up; 503 when it is not.
pub(crate) async fn health(State(app): State<App>) -> Result<Json<Health>, Error> {
    // Any row will do, there or not.
    app.store.get(&webhook::deployment_key()).await?;
    Ok(Json(Health { ok: true }))
}
