//! Bootstrap of long-lived machines: the scripts a person runs, and the registration the scripts make.
//!
//! The token in the path is single use and lives ten minutes. Fetching a script does not use it; registering does.
//! `curl | sh` feeds an error answer to the shell too, so errors on these routes hold only letters, digits, spaces
//! and `.,-`.

mod register;
mod scripts;

use std::net::IpAddr;
use store::token;

use crypto::TokenHash;
use edge::{Base, Error, Routes};
use rules::nouns::BootstrapToken;

/// The function's routes.
pub fn routes(base: &Base) -> Routes {
    Routes::of("bootstrap-machine")
        .get("/v1/bootstrap/{token}", scripts::sh)
        .get("/v1/bootstrap/{token}/ps", scripts::powershell)
        .get("/v1/bootstrap/{token}/k8s", scripts::kubernetes)
        .get("/v1/bootstrap/{token}/ci", scripts::ci)
        .post("/v1/bootstrap/{token}/register", register::register)
        .with_state(base.clone())
}

/// The token in the path, if it may still be used; else 401, counted toward the lockout.
async fn token(base: &Base, text: &str, address: IpAddr) -> Result<BootstrapToken, Error> {
    base.attempts().check(address).await?;
    let found = match TokenHash::of_hex(text) {
        Some(hash) => base.store.get(&token::bootstrap(&hash)).await?,
        None => None,
    };
    match found.filter(|token| token.expires_at > base.clock.now()) {
        Some(token) => Ok(token),
        None => Err(base.attempts().failed(address).await),
    }
}
