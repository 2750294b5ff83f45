//! Secrets, the trash and bundles.

use rules::audit::Action;
use serde_json::json;

use super::topics::{SECRETS, TRASH, WAYS_IN, about};
use super::{Case, get, post};

pub(super) fn cases() -> Vec<Case> {
    [about(SECRETS, secrets()), about(TRASH, trash()), about(WAYS_IN, bundles())].concat()
}

fn secrets() -> Vec<Case> {
    vec![
        get("listSecrets", "projects/{projectId}/secrets").given("secretId"),
        post("querySecrets", "projects/{projectId}/secrets/query")
            .example(json!({ "type": "structured", "sortBy": "name" }))
            .given("secretId"),
        post("createSecret", "projects/{projectId}/secrets")
            .body(json!({ "name": "database password", "value": "a value to store" }))
            .effect(Action::SecretCreate),
        get("getSecret", "projects/{projectId}/secrets/{secretId}"),
        get("listSecretVersions", "projects/{projectId}/secrets/{secretId}/versions"),
        post("updateSecret", "projects/{projectId}/secrets/{secretId}/update")
            .body(json!({ "value": "a value to store" }))
            .effect(Action::SecretUpdate),
        post("renameSecret", "projects/{projectId}/secrets/{secretId}/name")
            .body(json!({ "name": "database password, main" }))
            .effect(Action::SecretRename),
        post("setSecretNote", "projects/{projectId}/secrets/{secretId}/note")
            .body(json!({ "note": "Renewed each spring." }))
            .effect(Action::SecretNoteUpdate),
        post("rotateSecret", "projects/{projectId}/secrets/{secretId}/rotate")
            .example(json!({ "length": 48, "charset": "alphanumeric" }))
            .effect(Action::SecretRotate),
        post("rollBackSecret", "projects/{projectId}/secrets/{secretId}/rollback")
            .body(json!({ "version": 1 }))
            .effect(Action::SecretUpdate),
        post("deleteSecret", "projects/{projectId}/secrets/{secretId}/delete").effect(Action::SecretDelete),
    ]
}

fn trash() -> Vec<Case> {
    vec![
        get("listTrash", "trash").given("trashedSecret"),
        post("queryTrash", "trash/query").example(json!({ "name": "api key" })).given("trashedSecret"),
        post("restoreSecret", "trash/{secretId}/restore")
            .naming("secretId", "trashedSecret")
            .effect(Action::SecretRestore),
        post("purgeSecret", "trash/{secretId}/purge").naming("secretId", "trashedSecret").effect(Action::SecretPurge),
    ]
}

fn bundles() -> Vec<Case> {
    let bundle = json!({ "projectId": "$projectId", "secretIds": ["$secretId"] });
    vec![post("createBundle", "bundles").body(bundle).effect(Action::BundleCreate)]
}
