//! Support: questions of a vault's people, and of its AI agents, to the operator of the deployment. The operator's side is in the
//! function `operator`.

mod attachments;
mod create;
mod list;
mod rate;
mod reply;

use edge::{Base, Code, Error, Routes};
use rules::nouns::ticket::TicketId;
use rules::scope::Needs;
use rules::scope::Scope::SupportWrite;
use schemars::JsonSchema;
use serde::Serialize;
use store::Lists;

#[derive(Clone)]
struct App {
    store: Lists,
}

/// The function's routes.
pub fn routes(base: &Base) -> Routes {
    Routes::of("manage-support")
        .managed(base)
        .get("ticket-categories", SupportWrite, list::categories)
        .post("tickets/query", SupportWrite, list::query)
        .post("tickets", SupportWrite, create::create)
        .get("tickets/{ticketId}", SupportWrite, list::one)
        .post("tickets/{ticketId}/reply", SupportWrite, reply::reply)
        .post("tickets/{ticketId}/rate", SupportWrite, rate::rate)
        .post("tickets/{ticketId}/attachments", Needs::Person, attachments::add)
        .get("tickets/attachments/{attachmentId}", SupportWrite, attachments::one)
        .with_state(App { store: base.store.lists() })
}

/// The ticket that an action touched.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChangedTicket")]
#[serde(rename_all = "camelCase")]
struct Touched {
    ticket_id: TicketId,
}

/// 409: nobody writes into this ticket any more.
fn closed() -> Error {
    Error::new(Code::TicketClosed, "This ticket is closed; make a new one")
}
