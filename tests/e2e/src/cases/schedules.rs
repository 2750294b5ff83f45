//! Scheduled rotation.

use rules::audit::Action;
use serde_json::json;

use super::topics::{SCHEDULES, about};
use super::{Case, get, post};

pub(super) fn cases() -> Vec<Case> {
    about(SCHEDULES, schedules())
}

fn schedules() -> Vec<Case> {
    vec![
        get("listSchedules", "dynamic-secrets").given("scheduledSecret"),
        post("querySchedules", "dynamic-secrets/query").example(json!({ "enabled": true })).given("scheduledSecret"),
        post("createSchedule", "dynamic-secrets")
            .body(json!({ "secretId": "$secretId", "intervalSeconds": 86_400 }))
            .effect(Action::ScheduleCreate),
        get("getSchedule", "dynamic-secrets/{secretId}").naming("secretId", "scheduledSecret"),
        post("updateSchedule", "dynamic-secrets/{secretId}/update")
            .naming("secretId", "scheduledSecret")
            .body(json!({ "intervalSeconds": 3_600 }))
            .effect(Action::ScheduleUpdate),
        post("deleteSchedule", "dynamic-secrets/{secretId}/delete")
            .naming("secretId", "scheduledSecret")
            .effect(Action::ScheduleDelete),
    ]
}
