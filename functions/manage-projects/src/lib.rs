//! Projects, the machines in them, their grants, and the freeze.

mod freeze;
mod grants;
mod machines;
mod projects;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::post;
use edge::{Services, Sessions, get};
use store::{Keys, Store};

#[derive(Clone, FromRef)]
struct App {
    store: Store,
    keys: Keys,
    sessions: Sessions,
}

/// The function's routes.
pub fn router(services: &Services) -> Router {
    let app =
        App { store: services.store.clone(), keys: services.keys.clone(), sessions: Sessions::new(services) };
    Router::new()
        .route("/v1/manage/projects", get(projects::list).post(projects::create))
        .route("/v1/manage/projects/{projectId}/freeze", post(freeze::freeze))
        .route("/v1/manage/projects/{projectId}/unfreeze", post(freeze::unfreeze))
        .route("/v1/manage/projects/{projectId}/machines", get(machines::list).post(machines::attach))
        .route("/v1/manage/projects/{projectId}/machines/{machineId}/detach", post(machines::detach))
        .route("/v1/manage/projects/{projectId}/machines/{machineId}/secrets", get(grants::list))
        .route("/v1/manage/projects/{projectId}/machines/{machineId}/grants", post(grants::replace))
        .with_state(app)
}
