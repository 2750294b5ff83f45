//! Access policies, and the secrets that are bound to them.

use rules::audit::Action;
use serde_json::json;

use super::topics::{POLICIES, about};
use super::{Case, get, post};

pub(super) fn cases() -> Vec<Case> {
    about(POLICIES, policies())
}

fn policies() -> Vec<Case> {
    vec![
        get("listPolicies", "projects/{projectId}/policies").given("policyId"),
        post("queryPolicies", "projects/{projectId}/policies/query")
            .example(json!({ "name": "office hours" }))
            .given("policyId"),
        post("simulatePolicies", "projects/{projectId}/policies/simulate")
            .body(json!({ "machineId": "$machineId", "secretId": "$secretId", "sourceIp": "203.0.113.7" })),
        post("createPolicy", "projects/{projectId}/policies")
            .body(json!({ "name": "$newName", "rateCapEnabled": true, "maxReadsPerMinute": 60 }))
            .effect(Action::PolicyCreate),
        get("getPolicy", "projects/{projectId}/policies/{policyId}").naming("policyId", "boundPolicy"),
        post("updatePolicy", "projects/{projectId}/policies/{policyId}/update")
            .body(json!({ "timeWindowEnabled": true, "timeWindowStart": "08:00", "timeWindowEnd": "18:00",
                          "timeWindowTimezone": "Europe/Copenhagen",
                          "timeWindowDays": ["mon", "tue", "wed", "thu", "fri"] }))
            .effect(Action::PolicyUpdate),
        post("deletePolicy", "projects/{projectId}/policies/{policyId}/delete").effect(Action::PolicyDelete),
        get("getBinding", "secrets/{secretId}/binding"),
        post("bindSecret", "secrets/{secretId}/binding")
            .body(json!({ "policyId": "$policyId" }))
            .effect(Action::PolicyBind),
        post("unbindSecret", "secrets/{secretId}/binding/delete")
            .naming("secretId", "boundSecret")
            .effect(Action::PolicyUnbind),
    ]
}
