//! What machines sign.

use rules::audit::Action;
use serde_json::json;

use super::topics::{READING, about};
use super::{Case, SIGNED, get, post};

pub(super) fn cases() -> Vec<Case> {
    let project = json!({ "projectId": "$projectId" });
    let cases = [
        get("readSecret", "/v1/secret/{secretId}").effect(Action::SecretRead).refuses(&[404, 423]),
        post("exportSecrets", "/v1/secrets/export")
            .example(json!({ "projectId": "$projectId" }))
            .effect(Action::SecretExport)
            .refuses(&[404, 423]),
        get("listGrantedSecrets", "/v1/secrets"),
        post("listGrantedSecretsOfProject", "/v1/secrets/list").body(project.clone()).refuses(&[404]),
        post("pollSecrets", "/v1/secrets/poll").body(json!({ "watch": ["$secretId"] })),
        get("listGrantedProjects", "/v1/cli/projects"),
        get("listGrantedSecretsWithProjects", "/v1/cli/secrets"),
        post("verifyAccess", "/v1/verify-access").body(project).refuses(&[404]),
    ]
    .map(|case| case.by(SIGNED).given("reader"));
    about(READING, cases)
}
