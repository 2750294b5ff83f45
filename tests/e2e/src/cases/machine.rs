//! What machines sign.

use serde_json::json;
use vault::audit::Action;

use super::{Case, SIGNED, get, post};

pub(super) fn cases() -> Vec<Case> {
    let project = json!({ "projectId": "$projectId" });
    [
        get("/v1/secret/{secretId}").effect(Action::SecretRead).refuses(&[404, 423]),
        post("/v1/secrets/export").effect(Action::SecretExport).refuses(&[404, 423]),
        get("/v1/secrets"),
        post("/v1/secrets/list").body(project.clone()).refuses(&[404]),
        post("/v1/secrets/poll").body(json!({ "watch": ["$secretId"] })),
        get("/v1/cli/projects"),
        get("/v1/cli/secrets"),
        post("/v1/verify-access").body(project).refuses(&[404]),
    ]
    .map(|case| case.by(SIGNED).given("reader"))
    .to_vec()
}
