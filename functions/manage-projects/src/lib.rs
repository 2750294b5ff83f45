//! Projects, the machines in them, their grants, and the freeze.

mod freeze;
mod grants;
mod machines;
mod projects;

use axum::extract::FromRef;
use edge::{Routes, Services, Sessions};
use store::{Keys, Store};

#[derive(Clone, FromRef)]
struct App {
    store: Store,
    keys: Keys,
    sessions: Sessions,
}

/// The function's routes.
pub fn routes(services: &Services) -> Routes {
    let app = App { store: services.store.clone(), keys: services.keys.clone(), sessions: Sessions::new(services) };
    Routes::of("manage-projects")
        .get("/v1/manage/projects", projects::list)
        .post("/v1/manage/projects", projects::create)
        .post("/v1/manage/projects/{projectId}/freeze", freeze::freeze)
        .post("/v1/manage/projects/{projectId}/unfreeze", freeze::unfreeze)
        .get("/v1/manage/projects/{projectId}/machines", machines::list)
        .post("/v1/manage/projects/{projectId}/machines", machines::attach)
        .post("/v1/manage/projects/{projectId}/machines/{machineId}/detach", machines::detach)
        .get("/v1/manage/projects/{projectId}/machines/{machineId}/secrets", grants::list)
        .post("/v1/manage/projects/{projectId}/machines/{machineId}/grants", grants::replace)
        .with_state(app)
}
