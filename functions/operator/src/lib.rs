//! What the operator, the owner of the deployment, sees and decides of all vaults. Nothing here shows what is in one, but the
//! support tickets that its people wrote to the operator.

mod plan;
mod tickets;
mod vaults;

use std::sync::Arc;

use axum::extract::FromRef;
use edge::{Base, Code, Config, Error, Origins, Person, Routes, Sessions};
use store::Store;

#[derive(Clone, FromRef)]
struct App {
    store: Store,
    config: Arc<Config>,
    origins: Origins,
    sessions: Sessions,
}

/// The function's routes.
pub fn routes(base: &Base) -> Routes {
    let (store, config) = (base.store.clone(), base.config.clone());
    let app = App { store, config, origins: Origins::new(base), sessions: Sessions::new(base) };
    Routes::of("operator")
        .post("/v1/operator/vaults/query", vaults::query)
        .post("/v1/operator/vaults/{vaultId}/plan", plan::change)
        .post("/v1/operator/tickets/query", tickets::query)
        .get("/v1/operator/tickets/{ticketId}", tickets::one)
        .post("/v1/operator/tickets/{ticketId}/reply", tickets::reply)
        .post("/v1/operator/tickets/{ticketId}/status", tickets::status)
        .with_state(app)
}

impl App {
    /// 403 unless it is the operator, who has shown just now that it is them.
    async fn for_operator(&self, person: &Person) -> Result<(), Error> {
        if !self.store.is_operator(person.user.id).await? {
            return Err(Error::new(Code::OperatorOnly, "Only the owner of the deployment may do this"));
        }
        person.step_up()
    }
}
