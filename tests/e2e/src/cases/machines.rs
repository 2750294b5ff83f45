//! Machines, the tokens they come by, and the IP allowlist.

use rules::audit::Action;
use serde_json::json;

use super::topics::{ALLOWLIST, MACHINES, SETTINGS, WAYS_IN, about};
use super::{Case, get, post};

pub(super) fn cases() -> Vec<Case> {
    [about(MACHINES, machines()), about(WAYS_IN, tokens()), about(ALLOWLIST, allowlist()), about(SETTINGS, settings())]
        .concat()
}

fn machines() -> Vec<Case> {
    vec![
        get("listMachines", "machines").given("machineId"),
        post("queryMachines", "machines/query")
            .example(json!({ "kind": "standard", "state": "active", "unused": true }))
            .given("machineId"),
        get("getMachine", "machines/{machineId}"),
        get("listMachineNames", "machines/{machineId}/name-history"),
        post("renameMachine", "machines/{machineId}/rename")
            .body(json!({ "name": "web-2" }))
            .effect(Action::MachineRename),
        post("approveMachine", "machines/{machineId}/approve")
            .naming("machineId", "pendingMachine")
            .example(json!({ "fingerprint": "SHA256:iS4f/mBdzbCzBz1wlUXb3kKJ3ZL3Nqi4Q7UuJ5zC1Xw" }))
            .effect(Action::MachineApprove),
        post("denyMachine", "machines/{machineId}/deny")
            .naming("machineId", "pendingMachine")
            .effect(Action::MachineDeny),
        post("enableMachine", "machines/{machineId}/enable")
            .naming("machineId", "disabledMachine")
            .effect(Action::MachineEnable),
        post("disableMachine", "machines/{machineId}/disable").effect(Action::MachineDisable),
        post("revokeMachine", "machines/{machineId}/revoke")
            .example(json!({ "preview": true }))
            .effect(Action::MachineRevoke),
    ]
}

fn tokens() -> Vec<Case> {
    let enrollment = json!({ "name": "ci", "projectIds": ["$projectId"], "secretIds": ["$secretId"],
                             "tokenLifetimeSeconds": 600, "machineLifetimeSeconds": 600, "maxUses": 1 });
    vec![
        post("createBootstrapToken", "bootstrap-tokens").effect(Action::BootstrapTokenCreate),
        get("listEnrollmentTokens", "enrollment-tokens").given("tokenId"),
        post("queryEnrollmentTokens", "enrollment-tokens/query")
            .example(json!({ "state": "live", "limit": 20 }))
            .given("tokenId"),
        post("createEnrollmentToken", "enrollment-tokens").body(enrollment).effect(Action::EnrollmentTokenCreate),
        get("getEnrollmentToken", "enrollment-tokens/{tokenId}"),
        post("revokeEnrollmentToken", "enrollment-tokens/{tokenId}/revoke")
            .example(json!({ "reason": "The pipeline is gone." }))
            .effect(Action::EnrollmentTokenRevoke),
    ]
}

fn settings() -> Vec<Case> {
    vec![
        get("getSettings", "settings"),
        post("updateSettings", "settings")
            .body(json!({ "stepUp": false }))
            .given("stepUpOn")
            .effect(Action::VaultSettingsUpdate),
    ]
}

fn allowlist() -> Vec<Case> {
    vec![
        get("getAllowlist", "ipallowlist").given("entryId"),
        post("queryAllowlist", "ipallowlist/query").example(json!({ "cidr": "203.0.113.0/24" })).given("entryId"),
        post("addAllowlistEntry", "ipallowlist")
            .body(json!({ "cidr": "$range" }))
            .given("roomInAllowlist")
            .effect(Action::AllowlistEntryAdd),
        post("enableAllowlist", "ipallowlist/enable").effect(Action::AllowlistEnable),
        post("disableAllowlist", "ipallowlist/disable").given("allowlistOn").effect(Action::AllowlistDisable),
        post("deleteAllowlistEntries", "ipallowlist/bulk-delete")
            .body(json!({ "entryIds": ["$entryId"] }))
            .effect(Action::AllowlistEntryDelete),
        post("updateAllowlistEntry", "ipallowlist/{entryId}/update")
            .body(json!({ "label": "office" }))
            .effect(Action::AllowlistEntryUpdate),
        post("deleteAllowlistEntry", "ipallowlist/{entryId}/delete").effect(Action::AllowlistEntryDelete),
    ]
}
