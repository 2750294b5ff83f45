//! Projects, the machines in them and their grants.

use serde_json::json;
use vault::audit::Action;

use super::{Case, get, post};

pub(super) fn cases() -> Vec<Case> {
    let grants = json!({ "secretIds": ["$secretId"] });
    vec![
        get("projects"),
        post("projects").body(json!({ "name": "p" })).effect(Action::ProjectCreate),
        post("projects/{projectId}/update").body(json!({ "name": "q" })).effect(Action::ProjectUpdate),
        post("projects/{projectId}/delete").body(json!({ "confirmName": "production" })).effect(Action::ProjectDelete),
        post("projects/{projectId}/freeze").effect(Action::ProjectFreeze),
        post("projects/{projectId}/unfreeze").naming("projectId", "frozenProject").effect(Action::ProjectUnfreeze),
        post("projects/{projectId}/machines")
            .body(json!({ "machineId": "$machineId" }))
            .effect(Action::ProjectMachineAdd),
        post("projects/{projectId}/machines/query").given("member"),
        post("projects/{projectId}/machines/{machineId}/detach")
            .naming("machineId", "member")
            .effect(Action::ProjectMachineRemove),
        get("projects/{projectId}/machines/{machineId}/secrets").naming("machineId", "member"),
        post("projects/{projectId}/machines/{machineId}/grants")
            .body(grants)
            .naming("machineId", "member")
            .effect(Action::PermissionGrant),
    ]
}
