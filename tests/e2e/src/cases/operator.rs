//! What the owner of the deployment sees and decides of all vaults.

use rules::audit::Action;
use serde_json::json;

use super::topics::{OPERATOR, about};
use super::{By, Case, get, post};

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
        post("queryTicketsAsOperator", "/v1/operator/tickets/query").given("ticketId"),
        get("getTicketAsOperator", "/v1/operator/tickets/{ticketId}").refuses(&[404]),
        post("answerTicket", "/v1/operator/tickets/{ticketId}/reply")
            .body(json!({ "body": "It is mended." }))
            .effect(Action::TicketAnswer)
            .refuses(&[404]),
        post("setTicketStatus", "/v1/operator/tickets/{ticketId}/status")
            .body(json!({ "status": "resolved" }))
            .effect(Action::TicketAnswer)
            .refuses(&[404]),
    ];
    about(OPERATOR, cases.map(|case| case.by(THEIRS).given("operator")))
}
