//! Enrollment of ephemeral machines by token, and the script with which CI runs do it.

mod register;
mod script;

use std::sync::Arc;

use edge::{Attempts, Base, Clock, Config, Routes};
use store::Store;

#[derive(Clone)]
struct App {
    store: Store,
    attempts: Attempts,
    clock: Clock,
    config: Arc<Config>,
}

/// The function's routes.
pub fn routes(base: &Base) -> Routes {
    let app = App {
        store: base.store.clone(),
        attempts: base.attempts(),
        clock: base.clock.clone(),
        config: base.config.clone(),
    };
    Routes::of("enroll-machine")
        .post("/v1/{vaultId}/enroll/register", register::register)
        .get("/v1/{vaultId}/enroll/script", script::script)
        .with_state(app)
}
