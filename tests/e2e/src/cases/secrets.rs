//! Secrets, the trash and bundles.

use serde_json::json;
use vault::audit::Action;

use super::{Case, get, post};

pub(super) fn cases() -> Vec<Case> {
    let bundle = json!({ "projectId": "$projectId", "secretIds": ["$secretId"] });
    vec![
        get("projects/{projectId}/secrets").given("secretId"),
        post("projects/{projectId}/secrets")
            .body(json!({ "name": "n", "value": "a value to store" }))
            .effect(Action::SecretCreate),
        get("projects/{projectId}/secrets/{secretId}"),
        get("projects/{projectId}/secrets/{secretId}/versions"),
        post("projects/{projectId}/secrets/{secretId}/update")
            .body(json!({ "value": "a value to store" }))
            .effect(Action::SecretUpdate),
        post("projects/{projectId}/secrets/{secretId}/name").body(json!({ "name": "n" })).effect(Action::SecretRename),
        post("projects/{projectId}/secrets/{secretId}/note")
            .body(json!({ "note": "n" }))
            .effect(Action::SecretNoteUpdate),
        post("projects/{projectId}/secrets/{secretId}/rotate").effect(Action::SecretRotate),
        post("projects/{projectId}/secrets/{secretId}/rollback")
            .body(json!({ "version": 1 }))
            .effect(Action::SecretUpdate),
        post("projects/{projectId}/secrets/{secretId}/delete").effect(Action::SecretDelete),
        get("trash").given("trashedSecret"),
        post("trash/{secretId}/restore").naming("secretId", "trashedSecret").effect(Action::SecretRestore),
        post("trash/{secretId}/purge").naming("secretId", "trashedSecret").effect(Action::SecretPurge),
        post("bundles").body(bundle).effect(Action::BundleCreate),
    ]
}
