//! Projects, the machines in them and their grants.

use rules::audit::Action;
use serde_json::json;

use super::topics::{PROJECT_MACHINES, PROJECTS, about};
use super::{Case, get, post};

pub(super) fn cases() -> Vec<Case> {
    [about(PROJECTS, projects()), about(PROJECT_MACHINES, machines())].concat()
}

fn projects() -> Vec<Case> {
    vec![
        get("listProjects", "projects"),
        post("queryProjects", "projects/query").example(json!({ "name": "production" })),
        post("createProject", "projects").body(json!({ "name": "$newName" })).effect(Action::ProjectCreate),
        post("updateProject", "projects/{projectId}/update")
            .body(json!({ "name": "$newName" }))
            .effect(Action::ProjectUpdate),
        post("deleteProject", "projects/{projectId}/delete")
            .body(json!({ "confirmName": "$projectName" }))
            .effect(Action::ProjectDelete),
        post("freezeProject", "projects/{projectId}/freeze")
            .example(json!({ "reason": "A key may have leaked." }))
            .effect(Action::ProjectFreeze),
        post("unfreezeProject", "projects/{projectId}/unfreeze")
            .naming("projectId", "frozenProject")
            .effect(Action::ProjectUnfreeze),
    ]
}

fn machines() -> Vec<Case> {
    let grants = json!({ "secretIds": ["$secretId"] });
    vec![
        post("attachMachine", "projects/{projectId}/machines")
            .body(json!({ "machineId": "$machineId" }))
            .effect(Action::ProjectMachineAdd),
        post("queryProjectMachines", "projects/{projectId}/machines/query")
            .example(json!({ "search": "web", "sortBy": "name", "pageSize": 100 }))
            .given("member"),
        post("detachMachine", "projects/{projectId}/machines/{machineId}/detach")
            .naming("machineId", "member")
            .effect(Action::ProjectMachineRemove),
        get("listGrants", "projects/{projectId}/machines/{machineId}/secrets").naming("machineId", "member"),
        post("setGrants", "projects/{projectId}/machines/{machineId}/grants")
            .body(grants)
            .naming("machineId", "member")
            .effect(Action::PermissionGrant),
        post("addGrants", "projects/{projectId}/machines/{machineId}/grants/add")
            .body(json!({ "secretIds": ["$secretId"] }))
            .naming("machineId", "member")
            .effect(Action::PermissionGrant),
        post("removeGrants", "projects/{projectId}/machines/{machineId}/grants/remove")
            .body(json!({ "secretIds": ["$secretId"] }))
            .naming("machineId", "reader")
            .effect(Action::PermissionRevoke),
    ]
}
