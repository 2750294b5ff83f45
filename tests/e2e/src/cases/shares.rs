//! Share links: making and listing them, their page, and the one attempt.

use rules::audit::Action;
use serde_json::json;

use super::topics::{SHARES, about};
use super::{Case, OPEN, get, post};

pub(super) fn cases() -> Vec<Case> {
    about(SHARES, shares())
}

fn shares() -> Vec<Case> {
    let generated = json!({ "name": "db password", "expiresInSeconds": 300, "generateRandom": true, "length": 32 });
    vec![
        get("listShareLinks", "projects/{projectId}/temporary-secrets").given("shareToken"),
        post("queryShareLinks", "projects/{projectId}/temporary-secrets/query")
            .example(json!({ "status": "pending" }))
            .given("shareToken"),
        post("createShareLink", "projects/{projectId}/temporary-secrets")
            .body(json!({ "name": "db password", "expiresInSeconds": 300, "value": "the value itself" }))
            .example(generated)
            .effect(Action::ShareLinkCreate)
            .refuses(&[429]),
        get("getSharePage", "/v1/share/{token}").naming("token", "shareToken").by(OPEN).refuses(&[410]),
        post("openShareLink", "/v1/share/{token}")
            .naming("token", "shareToken")
            .body(json!({ "passphrase": "$passphrase" }))
            .by([200, 410, 410, 410, 410, 410])
            .effect(Action::ShareLinkView)
            .refuses(&[410, 429]),
    ]
}
