//! What one-time tokens are for.

use serde_json::json;
use vault::audit::Action;

use super::{Case, FIRST, OPEN, get, post};

pub(super) fn cases() -> Vec<Case> {
    let machine = json!({ "publicKey": "$publicKey", "hostname": "h" });
    let enrolled = json!({ "token": "$enrollment", "publicKey": "$publicKey", "hostname": "h" });
    let agent = json!({ "token": "$agentToken", "publicKey": "$publicKey" });
    let script = |path| get(path).naming("token", "bootstrapToken").by(OPEN).refuses(&[401, 429]);
    vec![
        script("/v1/bootstrap/{token}"),
        script("/v1/bootstrap/{token}/ps"),
        script("/v1/bootstrap/{token}/k8s"),
        script("/v1/bootstrap/{token}/ci"),
        post("/v1/bootstrap/{token}/register")
            .body(machine)
            .naming("token", "bootstrapToken")
            .by(FIRST)
            .effect(Action::MachineRegister)
            .refuses(&[401, 429]),
        post("/v1/ai-bootstrap/register").body(agent).by(FIRST).effect(Action::AgentRegister).refuses(&[401, 429]),
        get("/v1/bundle/{token}")
            .naming("token", "bundleToken")
            .by([200, 410, 410, 410, 410, 410])
            .effect(Action::BundleDownload)
            .refuses(&[409, 410]),
        post("/v1/{vaultId}/enroll/register")
            .body(enrolled)
            .by(OPEN)
            .effect(Action::MachineEnroll)
            .refuses(&[401, 403, 429]),
        get("/v1/{vaultId}/enroll/script").by(OPEN),
    ]
}
