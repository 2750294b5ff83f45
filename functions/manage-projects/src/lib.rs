//! Projects, the machines in them, their grants, and the freeze.

mod create;
mod delete;
mod freeze;
mod grants;
mod list;
mod machines;
mod members;
mod update;

use edge::{Base, Routes};
use protocol::ProjectId;
use rules::scope::Needs;
use rules::scope::Scope::{PoliciesWrite, ProjectMachinesRead, ProjectMachinesWrite, ProjectsRead, ProjectsWrite};
use schemars::JsonSchema;
use serde::Serialize;
use store::{KeyMaker, Lists};

#[derive(Clone)]
struct App {
    store: Lists,
    keys: KeyMaker,
}

/// The function's routes.
pub fn routes(base: &Base, keys: KeyMaker) -> Routes {
    let app = App { store: base.store.lists(), keys };
    Routes::of("manage-projects")
        .managed(base)
        .get("projects", ProjectsRead, list::list)
        .post("projects", ProjectsWrite, create::create)
        .post("projects/query", ProjectsRead, list::query)
        .post("projects/{projectId}/update", ProjectsWrite, update::update)
        .post("projects/{projectId}/delete", ProjectsWrite, delete::delete)
        .post("projects/{projectId}/freeze", Needs::Person, freeze::freeze)
        .post("projects/{projectId}/unfreeze", PoliciesWrite, freeze::unfreeze)
        .post("projects/{projectId}/machines", ProjectMachinesWrite, machines::attach)
        .post("projects/{projectId}/machines/query", ProjectMachinesRead, members::query)
        .post("projects/{projectId}/machines/{machineId}/detach", ProjectMachinesWrite, machines::detach)
        .get("projects/{projectId}/machines/{machineId}/secrets", ProjectMachinesRead, grants::list)
        .post("projects/{projectId}/machines/{machineId}/grants", ProjectMachinesWrite, grants::replace)
        .post("projects/{projectId}/machines/{machineId}/grants/add", Needs::Person, grants::add)
        .post("projects/{projectId}/machines/{machineId}/grants/remove", Needs::Person, grants::remove)
        .with_state(app)
}

/// The project that an action touched.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChangedProject")]
#[serde(rename_all = "camelCase")]
struct Touched {
    project_id: ProjectId,
}
