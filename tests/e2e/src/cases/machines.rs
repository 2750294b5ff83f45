//! Machines, the tokens they come by, and the IP allowlist.

use serde_json::json;
use vault::audit::Action;

use super::{Case, get, post};

pub(super) fn cases() -> Vec<Case> {
    let enrollment = json!({ "name": "ci", "projectIds": ["$projectId"], "secretIds": ["$secretId"],
                             "tokenLifetimeSeconds": 600, "machineLifetimeSeconds": 600, "maxUses": 1 });
    vec![
        get("machines").given("machineId"),
        get("machines/{machineId}"),
        get("machines/{machineId}/name-history"),
        post("machines/{machineId}/rename").body(json!({ "name": "n" })).effect(Action::MachineRename),
        post("machines/{machineId}/approve").naming("machineId", "pendingMachine").effect(Action::MachineApprove),
        post("machines/{machineId}/deny").naming("machineId", "pendingMachine").effect(Action::MachineDeny),
        post("machines/{machineId}/enable").naming("machineId", "disabledMachine").effect(Action::MachineEnable),
        post("machines/{machineId}/disable").effect(Action::MachineDisable),
        post("machines/{machineId}/revoke").effect(Action::MachineRevoke),
        post("bootstrap-tokens").effect(Action::BootstrapTokenCreate),
        get("enrollment-tokens").given("tokenId"),
        post("enrollment-tokens").body(enrollment).effect(Action::EnrollmentTokenCreate),
        get("enrollment-tokens/{tokenId}"),
        post("enrollment-tokens/{tokenId}/revoke").effect(Action::EnrollmentTokenRevoke),
        get("ipallowlist").given("entryId"),
        post("ipallowlist")
            .body(json!({ "cidr": "$range" }))
            .given("roomInAllowlist")
            .effect(Action::AllowlistEntryAdd),
        post("ipallowlist/enable").effect(Action::AllowlistEnable),
        post("ipallowlist/disable").given("allowlistOn").effect(Action::AllowlistDisable),
        post("ipallowlist/bulk-delete").body(json!({ "entryIds": ["$entryId"] })).effect(Action::AllowlistEntryDelete),
        post("ipallowlist/{entryId}/update").body(json!({ "label": "l" })).effect(Action::AllowlistEntryUpdate),
        post("ipallowlist/{entryId}/delete").effect(Action::AllowlistEntryDelete),
    ]
}
