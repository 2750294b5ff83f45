//! `POST tickets/{ticketId}/rate`: what a resolved ticket's answer was worth, once.

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Code, Error, Ids, Json, Principal, done};
use rules::audit::Action;
use rules::limits;
use rules::nouns::ticket::{Ticket, TicketId, TicketStatus};
use schemars::JsonSchema;
use serde::Deserialize;
use store::ticket;

use crate::{App, Touched};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TicketRating")]
#[serde(deny_unknown_fields)]
pub(crate) struct Rating {
    /// From 1, of no help, to 5.
    #[schemars(range(min = *Ticket::RATING.start(), max = *Ticket::RATING.end()))]
    rating: u64,
}

/// `POST …/rate`: rates a resolved ticket.
pub(crate) async fn rate(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<TicketId>,
    Body(body): Body<Rating>,
) -> Result<Json<Done<Touched>>, Error> {
    let found = by.find(&ticket::row(id)).await?;
    let rating = limits::number("rating", body.rating, Ticket::RATING)?;
    if found.rating.is_some() {
        return Err(Error::new(Code::RatedAlready, "This ticket is rated already"));
    }
    if found.status != TicketStatus::Resolved {
        return Err(Error::new(Code::TicketNotResolved, "Only a resolved ticket can be rated"));
    }
    let mut write = app.store.transaction();
    let change = ticket::row(id).change().set(ticket::RATING, &Some(rating)).only_if(ticket::RATING.absent());
    let first = write.change(change.only_if(ticket::STATUS.is(&TicketStatus::Resolved)));
    write.record(&by.entry(Action::TicketRate, format!("Ticket {id} rated {rating}")));
    if !write.commit_unless_refused(first).await? {
        return Err(Error::new(Code::RatedAlready, "This ticket is rated already"));
    }
    Ok(done(Touched { ticket_id: id }))
}
