//! The audit log, read.

mod actions;
mod query;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::post;
use edge::{Services, Sessions, get};
use store::Store;

#[derive(Clone, FromRef)]
struct App {
    store: Store,
    sessions: Sessions,
}

/// The function's routes.
pub fn router(services: &Services) -> Router {
    let app = App { store: services.store.clone(), sessions: Sessions::new(services) };
    Router::new()
        .route("/v1/manage/audit/query", post(query::query))
        .route("/v1/manage/audit/actions", get(actions::actions))
        .with_state(app)
}
