//! `POST tickets`: a new ticket with its first message.

use axum::extract::State;
use crypto::random;
use edge::{Body, Code, Error, Json, Principal};
use rules::audit::Action;
use rules::limits;
use rules::nouns::ticket::{Author, Category, Message, MessageId, Priority, Ticket, TicketId, TicketStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::ticket::{self, TicketEntry};

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewTicket {
    category_id: Category,
    priority: Priority,
    #[schemars(length(min = 1, max = Ticket::TITLE))]
    title: String,
    #[schemars(length(min = 1, max = Ticket::BODY))]
    body: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CreatedTicket")]
pub(crate) struct Created {
    id: TicketId,
    status: TicketStatus,
}

pub(crate) async fn create(
    State(app): State<App>,
    by: Principal,
    Body(body): Body<NewTicket>,
) -> Result<Json<Created>, Error> {
    let title = limits::name("title", &body.title, Ticket::TITLE)?;
    let text = limits::message("body", &body.body, Ticket::BODY)?;
    if app.store.count(ticket::of_vault(by.vault)).await? >= Ticket::IN_VAULT {
        let text = format!("A vault has at most {} tickets; write into one that is there", Ticket::IN_VAULT);
        return Err(Error::new(Code::LimitReached, text));
    }
    let ticket = Ticket {
        id: TicketId::from_entropy(random::bytes()),
        vault: by.vault,
        category: body.category_id,
        priority: body.priority,
        status: TicketStatus::WaitingOnStaff,
        title,
        rating: None,
        messages: 1,
        attachments: 0,
        waiting: vec![],
        created_at: by.now,
        updated_at: by.now,
    };
    let message = Message {
        id: MessageId::from_entropy(random::bytes()),
        ticket: ticket.id,
        author: Author::Customer,
        author_name: by.name().to_owned(),
        body: text,
        internal: false,
        attachments: vec![],
        created_at: by.now,
    };
    let mut write = app.store.transaction();
    write.put_new(&ticket);
    write.put_new(&TicketEntry { ticket: ticket.id, created_at: ticket.created_at });
    write.put_new(&message);
    write.record(&by.entry(Action::TicketCreate, format!("Ticket {} created", ticket.id)));
    write.commit().await?;
    Ok(Json(Created { id: ticket.id, status: ticket.status }))
}
