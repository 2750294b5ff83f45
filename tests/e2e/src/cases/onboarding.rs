//! What one-time tokens are for.

use rules::audit::Action;
use serde_json::json;

use super::topics::{ONBOARDING, about};
use super::{Case, FIRST, OPEN, get, post};

pub(super) fn cases() -> Vec<Case> {
    let machine = json!({ "publicKey": "$publicKey", "hostname": "web-1" });
    let enrolled = json!({ "token": "$enrollment", "publicKey": "$publicKey", "hostname": "web-1" });
    let agent = json!({ "token": "$agentToken", "publicKey": "$publicKey" });
    let script = |id, path| get(id, path).naming("token", "bootstrapToken").by(OPEN).refuses(&[401, 429]);
    let cases = [
        script("getBootstrapScript", "/v1/bootstrap/{token}"),
        script("getBootstrapScriptForWindows", "/v1/bootstrap/{token}/ps"),
        script("getBootstrapScriptForKubernetes", "/v1/bootstrap/{token}/k8s"),
        script("getBootstrapScriptForCi", "/v1/bootstrap/{token}/ci"),
        post("registerMachine", "/v1/bootstrap/{token}/register")
            .body(machine)
            .naming("token", "bootstrapToken")
            .by(FIRST)
            .effect(Action::MachineRegister)
            .refuses(&[401, 403, 429]),
        post("registerAgent", "/v1/ai-bootstrap/register")
            .body(agent)
            .by(FIRST)
            .effect(Action::AgentRegister)
            .refuses(&[401, 403, 429]),
        get("downloadBundle", "/v1/bundle/{token}")
            .naming("token", "bundleToken")
            .by([200, 410, 410, 410, 410, 410])
            .effect(Action::BundleDownload)
            .refuses(&[409, 410]),
        post("enrollMachine", "/v1/{vaultId}/enroll/register")
            .body(enrolled)
            .by(OPEN)
            .effect(Action::MachineEnroll)
            .refuses(&[401, 403, 429]),
        get("getEnrollmentScript", "/v1/{vaultId}/enroll/script").by(OPEN),
    ];
    about(ONBOARDING, cases)
}
