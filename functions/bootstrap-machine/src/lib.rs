//! Bootstrap of long-lived machines: the scripts a person runs, and the registration the scripts make.
//!
//! The token in the path is single use and lives ten minutes. Fetching a script does not use it; registering does.
//! `curl | sh` feeds an error answer to the shell too, so errors on these routes hold only letters, digits, spaces
//! and `.,-`.

mod register;
mod scripts;

use std::net::IpAddr;
use std::sync::Arc;

use crypto::TokenHash;
use edge::{Attempts, Base, Clock, Config, Error, Routes};
use store::{Store, vaults};
use vault::model::BootstrapToken;

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
    Routes::of("bootstrap-machine")
        .get("/v1/bootstrap/{token}", scripts::sh)
        .get("/v1/bootstrap/{token}/ps", scripts::powershell)
        .get("/v1/bootstrap/{token}/k8s", scripts::kubernetes)
        .get("/v1/bootstrap/{token}/ci", scripts::ci)
        .post("/v1/bootstrap/{token}/register", register::register)
        .with_state(app)
}

impl App {
    /// The token in the path, if it may still be used; else 401, counted toward the lockout.
    async fn token(&self, text: &str, address: IpAddr) -> Result<BootstrapToken, Error> {
        self.attempts.check(address).await?;
        let found = match TokenHash::of_hex(text) {
            Some(hash) => self.store.get(&vaults::bootstrap_token(&hash)).await?,
            None => None,
        };
        match found.filter(|token| token.expires_at > self.clock.now()) {
            Some(token) => Ok(token),
            None => Err(self.attempts.failed(address).await),
        }
    }
}
