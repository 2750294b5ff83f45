//! What the owner of the deployment sees and decides of all vaults.

use rules::audit::Action;
use serde_json::json;

use super::topics::{OPERATOR, about};
use super::{By, Case, post};

/// The owner of the deployment, and no other person.
const THEIRS: By = [401, 200, 403, 401, 401, 401];

pub(super) fn cases() -> Vec<Case> {
    let cases = [
        post("queryVaults", "/v1/operator/vaults/query"),
        post("changePlan", "/v1/operator/vaults/{vaultId}/plan")
            .body(json!({ "plan": "unlimited" }))
            .given("onAPlan")
            .effect(Action::PlanChange)
            .refuses(&[404]),
    ];
    about(OPERATOR, cases.map(|case| case.by(THEIRS).given("operator")))
}
