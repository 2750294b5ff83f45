//! `POST tickets/{ticketId}/reply`: another message. It carries the files that were attached since the last one.

use axum::extract::State;
use crypto::random;
use edge::answer::Done;
use edge::{Body, Code, Error, Ids, Json, Principal, done};
use rules::audit::Action;
use rules::limits;
use rules::nouns::ticket::{Author, Message, MessageId, Ticket, TicketId, TicketStatus};
use schemars::JsonSchema;
use serde::Deserialize;
use store::ticket;

use crate::{App, Touched, closed};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TicketReply")]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    #[schemars(length(min = 1, max = Ticket::BODY))]
    body: String,
}

/// `POST …/reply`: the ticket then waits for the operator. A resolved one is opened again by it.
pub(crate) async fn reply(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<TicketId>,
    Body(body): Body<Reply>,
) -> Result<Json<Done<Touched>>, Error> {
    let found = by.find(&ticket::row(id)).await?;
    let text = limits::message("body", &body.body, Ticket::BODY)?;
    if found.status == TicketStatus::Closed {
        return Err(closed());
    }
    if found.messages >= Ticket::MESSAGES {
        let text = format!("A ticket has at most {} messages; make a new one", Ticket::MESSAGES);
        return Err(Error::new(Code::LimitReached, text));
    }
    let message = Message {
        id: MessageId::from_entropy(random::bytes()),
        ticket: id,
        author: Author::Customer,
        author_name: by.name().to_owned(),
        body: text,
        internal: false,
        attachments: found.waiting.clone(),
        created_at: by.now,
    };
    let mut write = app.store.transaction();
    let change = ticket::row(id).change().set(ticket::STATUS, &TicketStatus::WaitingOnStaff);
    let change = change.set(ticket::WAITING, &vec![]).set(ticket::UPDATED_AT, &by.now).add(ticket::MESSAGES, 1);
    // As it was, so that no file is carried twice and no closed ticket is written into.
    write.change(change.only_if(ticket::STATUS.is(&found.status)).only_if(ticket::WAITING.is(&found.waiting)));
    write.put_new(&message);
    write.record(&by.entry(Action::TicketReply, format!("Reply in ticket {id}")));
    write.commit().await?;
    Ok(done(Touched { ticket_id: id }))
}
