//! The audit log, read.

mod actions;
mod query;

use axum::extract::FromRef;
use edge::{Routes, Services, Sessions};
use store::Store;

#[derive(Clone, FromRef)]
struct App {
    store: Store,
    sessions: Sessions,
}

/// The function's routes.
pub fn routes(services: &Services) -> Routes {
    let app = App { store: services.store.clone(), sessions: Sessions::new(services) };
    Routes::of("manage-audit")
        .post("/v1/manage/audit/query", query::query)
        .get("/v1/manage/audit/actions", actions::actions)
        .with_state(app)
}
