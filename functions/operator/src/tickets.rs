//! `POST /v1/operator/tickets/query`, `GET …/{ticketId}`, `POST …/{ticketId}/reply` and `…/status`: tickets of all vaults. The
//! operator answers them, keeps notes that nobody else sees, and says when one is done.

use axum::extract::State;
use crypto::random;
use edge::answer::Done;
use edge::listing::{Page, Pager};
use edge::paging::SIZE_LIMIT;
use edge::{Body, Code, Error, Ids, Json, Person, done};
use protocol::VaultId;
use rules::audit::{Action, ActorKind};
use rules::limits;
use rules::nouns::ticket::{Author, Message, MessageId, MessageView, Ticket, TicketId, TicketStatus, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, ticket};

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OperatorTicketQuery")]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// `open` asks for all that are neither resolved nor closed.
    status: Option<TicketStatus>,
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OperatorTickets")]
pub(crate) struct Tickets {
    tickets: Vec<OfVault>,
}

/// A ticket, and whose it is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OperatorTicket")]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfVault {
    vault_id: VaultId,
    #[serde(flatten)]
    ticket: View,
}

impl From<Ticket> for OfVault {
    fn from(ticket: Ticket) -> Self {
        Self { vault_id: ticket.vault, ticket: ticket.into() }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OperatorTicketWithMessages")]
pub(crate) struct WithMessages {
    #[serde(flatten)]
    ticket: OfVault,
    /// With internal notes.
    messages: Vec<Noted>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OperatorTicketMessage")]
struct Noted {
    /// Whether the operator alone sees it.
    internal: bool,
    #[serde(flatten)]
    message: MessageView,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OperatorReply")]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    #[schemars(length(min = 1, max = Ticket::BODY))]
    body: String,
    /// A note that nobody but the operator sees; it changes no status.
    #[serde(default)]
    internal: bool,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TicketStatusChange")]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusChange {
    status: Ended,
}

/// What the operator sets.
#[derive(Deserialize, Clone, Copy, JsonSchema)]
#[schemars(rename = "EndedTicketStatus")]
#[serde(rename_all = "snake_case")]
enum Ended {
    Resolved,
    Closed,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AnsweredTicket")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Touched {
    ticket_id: TicketId,
}

/// `POST …/query`: the tickets of all vaults, the newest first.
pub(crate) async fn query(
    State(app): State<App>,
    person: Person,
    Body(query): Body<Query>,
) -> Result<Json<Page<Tickets>>, Error> {
    app.for_operator(&person).await?;
    let mut pager = Pager::page(query.limit, query.cursor.as_deref())?.backward(true);
    let list = ticket::every();
    while let Some(entries) = pager.next(&app.store, &list).await? {
        let keys: Vec<_> = entries.iter().map(|(_, entry)| ticket::row(entry.ticket)).collect();
        let tickets = app.store.get_all(&keys).await?;
        for (place, entry) in entries {
            let found = tickets.iter().find(|ticket| ticket.id == entry.ticket);
            if let Some(found) = found.filter(|ticket| ticket.status.is_asked_for(query.status)) {
                pager.take(place, found.clone().into());
            }
        }
    }
    Ok(pager.end().page(|tickets| Tickets { tickets }))
}

/// `GET …/{ticketId}`: a ticket with all that was written in it.
pub(crate) async fn one(
    State(app): State<App>,
    person: Person,
    Ids(id): Ids<TicketId>,
) -> Result<Json<WithMessages>, Error> {
    app.for_operator(&person).await?;
    let ticket = app.ticket(id).await?;
    let view = |message: Message| Noted { internal: message.internal, message: message.into() };
    let messages = app.store.all(ticket::messages(id)).await?.into_iter().map(view).collect();
    Ok(Json(WithMessages { ticket: ticket.into(), messages }))
}

/// `POST …/reply`: an answer, after which the ticket waits for the customer; or an internal note.
pub(crate) async fn reply(
    State(app): State<App>,
    person: Person,
    Ids(id): Ids<TicketId>,
    Body(body): Body<Reply>,
) -> Result<Json<Done<Touched>>, Error> {
    app.for_operator(&person).await?;
    let found = app.ticket(id).await?;
    let text = limits::message("body", &body.body, Ticket::BODY)?;
    if found.status == TicketStatus::Closed && !body.internal {
        return Err(Error::new(Code::TicketClosed, "This ticket is closed; the customer can make a new one"));
    }
    if found.messages >= Ticket::MESSAGES {
        let text = format!("A ticket has at most {} messages", Ticket::MESSAGES);
        return Err(Error::new(Code::LimitReached, text));
    }
    let message = Message {
        id: MessageId::from_entropy(random::bytes()),
        ticket: id,
        author: Author::Staff,
        author_name: person.user.username.clone(),
        body: text,
        internal: body.internal,
        attachments: vec![],
        created_at: person.now,
    };
    let change = ticket::row(id).change().add(ticket::MESSAGES, 1);
    let (change, said) = if body.internal {
        (change, None)
    } else {
        let change = change.set(ticket::STATUS, &TicketStatus::WaitingOnCustomer);
        (change.set(ticket::UPDATED_AT, &person.now), Some(format!("The operator answered ticket {id}")))
    };
    app.write(&person, &found, change, Some(&message), said).await
}

/// `POST …/status`: the ticket is resolved, which a reply of the customer undoes, or closed for good.
pub(crate) async fn status(
    State(app): State<App>,
    person: Person,
    Ids(id): Ids<TicketId>,
    Body(body): Body<StatusChange>,
) -> Result<Json<Done<Touched>>, Error> {
    app.for_operator(&person).await?;
    let found = app.ticket(id).await?;
    let (status, words) = match body.status {
        Ended::Resolved => (TicketStatus::Resolved, "resolved"),
        Ended::Closed => (TicketStatus::Closed, "closed"),
    };
    if found.status == status {
        return Ok(done(Touched { ticket_id: id }));
    }
    let change = ticket::row(id).change().set(ticket::STATUS, &status).set(ticket::UPDATED_AT, &person.now);
    app.write(&person, &found, change, None, Some(format!("The operator set ticket {id} to {words}"))).await
}

impl App {
    async fn ticket(&self, id: TicketId) -> Result<Ticket, Error> {
        self.store.get(&ticket::row(id)).await?.ok_or_else(|| Error::not_found("Ticket"))
    }

    /// Changes a ticket that is as it was found, with a message, and with a record in its vault's log.
    async fn write(
        &self,
        person: &Person,
        found: &Ticket,
        change: Change<Ticket>,
        message: Option<&Message>,
        said: Option<String>,
    ) -> Result<Json<Done<Touched>>, Error> {
        let mut write = self.store.transaction();
        write.change(change.only_if(ticket::STATUS.is(&found.status)));
        if let Some(message) = message {
            write.put_new(message);
        }
        if let Some(said) = said {
            // Whoever operates is nobody of this vault, and their address is not for its log.
            let origin = self.origins.in_vault(found.vault, ActorKind::External, None, person.now).await?;
            write.record(&origin.entry(Action::TicketAnswer, said));
        }
        write.commit().await?;
        Ok(done(Touched { ticket_id: found.id }))
    }
}
