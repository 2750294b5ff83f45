//! Support tickets, as those see them who ask.

use rules::audit::Action;
use serde_json::json;

use super::topics::{SUPPORT, about};
use super::{Case, get, post};

pub(super) fn cases() -> Vec<Case> {
    about(SUPPORT, tickets())
}

fn tickets() -> Vec<Case> {
    vec![
        get("listTicketCategories", "ticket-categories"),
        post("queryTickets", "tickets/query").example(json!({ "status": "open" })).given("ticketId"),
        post("createTicket", "tickets")
            .body(json!({ "categoryId": "bug", "priority": "normal", "title": "An export ends early",
                          "body": "It stops after 100 rows." }))
            .effect(Action::TicketCreate),
        get("getTicket", "tickets/{ticketId}"),
        post("replyToTicket", "tickets/{ticketId}/reply")
            .body(json!({ "body": "It happens since Monday." }))
            .effect(Action::TicketReply),
        post("rateTicket", "tickets/{ticketId}/rate")
            .naming("ticketId", "resolvedTicket")
            .body(json!({ "rating": 5 }))
            .effect(Action::TicketRate),
        post("addAttachment", "tickets/{ticketId}/attachments")
            .body(json!({ "fileName": "log.txt", "contentType": "text/plain", "base64": "aGVsbG8=" }))
            .effect(Action::TicketAttachmentAdd),
        get("getAttachment", "tickets/attachments/{attachmentId}"),
    ]
}
