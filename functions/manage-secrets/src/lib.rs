//! Secrets as metadata. Values go in through `seal-secret` and never come out here.

mod create;
mod delete;
mod list;
mod update;

use std::sync::Arc;

use axum::extract::FromRef;
use edge::seal::Seal;
use edge::{Routes, Services, Sessions};
use protocol::SecretId;
use serde::Serialize;
use store::Store;
use vault::Time;
use vault::model::{Secret, SecretKind};

#[derive(Clone, FromRef)]
struct App {
    store: Store,
    sessions: Sessions,
    seal: Arc<dyn Seal>,
}

/// The function's routes.
pub fn routes(services: &Services, seal: Arc<dyn Seal>) -> Routes {
    let app = App { store: services.store.clone(), sessions: Sessions::new(services), seal };
    Routes::of("manage-secrets")
        .get("/v1/manage/projects/{projectId}/secrets", list::list)
        .post("/v1/manage/projects/{projectId}/secrets", create::create)
        .get("/v1/manage/projects/{projectId}/secrets/{secretId}", list::one)
        .post("/v1/manage/projects/{projectId}/secrets/{secretId}/update", update::update)
        .post("/v1/manage/projects/{projectId}/secrets/{secretId}/delete", delete::delete)
        .with_state(app)
}

/// A secret as people see it: everything but its value.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecretView {
    id: SecretId,
    name: String,
    #[serde(rename = "type")]
    kind: SecretKind,
    field_names: Option<String>,
    note: Option<String>,
    version: u64,
    created_at: Time,
    updated_at: Time,
}

impl From<Secret> for SecretView {
    fn from(secret: Secret) -> Self {
        Self {
            id: secret.id,
            name: secret.name,
            kind: secret.kind,
            field_names: secret.field_names,
            note: secret.note,
            version: secret.version,
            created_at: secret.created_at,
            updated_at: secret.updated_at,
        }
    }
}
