//! Projects, the machines in them, their grants, and the freeze.

mod freeze;
mod grants;
mod machines;
mod projects;

use axum::extract::FromRef;
use edge::{Routes, Services, Sessions};
use store::{KeyMaker, Store};

#[derive(Clone, FromRef)]
struct App {
    store: Store,
    keys: KeyMaker,
    sessions: Sessions,
}

/// The function's routes.
pub fn routes(services: &Services) -> Routes {
    let app = App { store: services.store.clone(), keys: services.key_maker(), sessions: Sessions::new(services) };
    Routes::of("manage-projects")
        .get("/v1/manage/projects", projects::list)
        .post("/v1/manage/projects", projects::create)
        .post("/v1/manage/projects/{projectId}/freeze", freeze::freeze)
        .post("/v1/manage/projects/{projectId}/unfreeze", freeze::unfreeze)
        .post("/v1/manage/projects/{projectId}/machines", machines::attach)
        .post("/v1/manage/projects/{projectId}/machines/{machineId}/detach", machines::detach)
        .get("/v1/manage/projects/{projectId}/machines/{machineId}/secrets", grants::list)
        .post("/v1/manage/projects/{projectId}/machines/{machineId}/grants", grants::replace)
        .with_state(app)
}
