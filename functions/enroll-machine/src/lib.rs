//! Enrollment of ephemeral machines by token, and the script with which CI runs do it.

mod register;
mod script;

use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use edge::{Attempts, Clock, Config, Services, get};
use store::Store;

#[derive(Clone)]
struct App {
    store: Store,
    attempts: Attempts,
    clock: Clock,
    config: Arc<Config>,
}

/// The function's routes.
pub fn router(services: &Services) -> Router {
    let app = App {
        store: services.store.clone(),
        attempts: services.attempts(),
        clock: services.clock.clone(),
        config: services.config.clone(),
    };
    Router::new()
        .route("/v1/{vaultId}/enroll/register", post(register::register))
        .route("/v1/{vaultId}/enroll/script", get(script::script))
        .with_state(app)
}
