//! Enrollment of ephemeral machines by token, and the script with which CI runs do it.

mod register;
mod script;

use std::sync::Arc;

use edge::{Attempts, Clock, Config, Routes, Services};
use store::Store;

#[derive(Clone)]
struct App {
    store: Store,
    attempts: Attempts,
    clock: Clock,
    config: Arc<Config>,
}

/// The function's routes.
pub fn routes(services: &Services) -> Routes {
    let app = App {
        store: services.store.clone(),
        attempts: services.attempts(),
        clock: services.clock.clone(),
        config: services.config.clone(),
    };
    Routes::of("enroll-machine")
        .post("/v1/{vaultId}/enroll/register", register::register)
        .get("/v1/{vaultId}/enroll/script", script::script)
        .with_state(app)
}
