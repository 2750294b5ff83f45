//! `GET ticket-categories`, `POST tickets/query` and `GET tickets/{ticketId}`: tickets, the newest first, and what was written in
//! one. Internal notes of the operator are not there.

use axum::extract::State;
use edge::listing::{Page, Pager};
use edge::paging::{Paged, Range, SIZE_LIMIT, is_by_cursor};
use edge::{Body, Error, Ids, Json, Principal};
use rules::nouns::ticket::{Category, MessageView, Ticket, TicketId, TicketStatus, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::ticket;

use crate::App;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TicketCategories")]
pub(crate) struct Categories {
    categories: Vec<CategoryView>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NamedTicketCategory")]
struct CategoryView {
    id: Category,
    name: &'static str,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TicketQuery")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Query {
    /// `open` asks for all that are neither resolved nor closed.
    status: Option<TicketStatus>,
    #[schemars(range(min = 1))]
    page: Option<u64>,
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    page_size: Option<u64>,
    /// With this or a cursor, pages go by cursor.
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
}

/// A page of tickets, by its number.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NumberedTickets")]
pub(crate) struct Numbered {
    tickets: Vec<View>,
    #[serde(flatten)]
    page: Paged,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Tickets {
    tickets: Vec<View>,
}

/// Tickets: by cursor if that was asked for, else by page number.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "QueriedTickets")]
#[serde(untagged)]
pub(crate) enum Queried {
    Page(Page<Tickets>),
    Numbered(Numbered),
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TicketWithMessages")]
pub(crate) struct WithMessages {
    #[serde(flatten)]
    ticket: View,
    messages: Vec<MessageView>,
}

/// `GET ticket-categories`: what tickets can be about.
pub(crate) async fn categories(_: Principal) -> Json<Categories> {
    let view = |id: Category| CategoryView { id, name: id.words() };
    Json(Categories { categories: Category::ALL.map(view).into() })
}

/// `POST tickets/query`: the vault's tickets, the newest first.
pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Body(query): Body<Query>,
) -> Result<Json<Queried>, Error> {
    let by_cursor = is_by_cursor(query.limit, query.cursor.as_deref(), query.page, query.page_size)?;
    let wanted = |ticket: &Ticket| ticket.status.is_asked_for(query.status);
    if by_cursor {
        let pager = Pager::page(query.limit, query.cursor.as_deref())?.backward(true);
        let show = |ticket| Some(ticket).filter(wanted).map(View::from);
        let listed = pager.along(&app.store, ticket::of_vault(by.vault), show).await?;
        let Json(page) = listed.page(|tickets| Tickets { tickets });
        return Ok(Json(Queried::Page(page)));
    }
    let range = Range::checked(query.page, query.page_size)?;
    let mut tickets = app.store.all(ticket::of_vault(by.vault)).await?;
    tickets.retain(wanted);
    tickets.reverse();
    let (tickets, page) = range.page(tickets);
    Ok(Json(Queried::Numbered(Numbered { tickets: tickets.into_iter().map(View::from).collect(), page })))
}

/// `GET tickets/{ticketId}`: a ticket with what was written in it.
pub(crate) async fn one(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<TicketId>,
) -> Result<Json<WithMessages>, Error> {
    let ticket = by.find(&ticket::row(id)).await?;
    let messages = app.store.all(ticket::messages(id)).await?;
    let messages = messages.into_iter().filter(|message| !message.internal).map(MessageView::from).collect();
    Ok(Json(WithMessages { ticket: ticket.into(), messages }))
}
