//! Canaries: making, arming and disarming them, and who tripped them.

use rules::audit::Action;
use serde_json::json;

use super::topics::{CANARIES, about};
use super::{Case, get, post};

pub(super) fn cases() -> Vec<Case> {
    about(CANARIES, canaries())
}

fn canaries() -> Vec<Case> {
    vec![
        get("listCanaries", "projects/{projectId}/canaries").given("canaryId"),
        post("queryCanaries", "projects/{projectId}/canaries/query")
            .example(json!({ "enabled": true }))
            .given("canaryId"),
        post("createCanary", "canaries")
            .body(json!({ "projectId": "$projectId", "name": "$newName" }))
            .effect(Action::CanaryCreate),
        get("getCanary", "canaries/{canaryId}"),
        post("configureCanary", "canaries/{canaryId}/config")
            .body(json!({ "triggerFreezeRelatedProjects": true }))
            .effect(Action::CanaryUpdate),
        post("enableCanary", "canaries/{canaryId}/enable")
            .naming("canaryId", "disarmedCanary")
            .effect(Action::CanaryEnable),
        post("disableCanary", "canaries/{canaryId}/disable").effect(Action::CanaryDisable),
    ]
}
