//! Bootstrap of long-lived machines: the scripts a person runs, and the registration the scripts make.
//!
//! The token in the path is single use and lives ten minutes. Fetching a script does not use it; registering does.
//! `curl | sh` feeds an error answer to the shell too, so the routes of scripts refuse in the words of a shell.

mod register;
mod scripts;

use std::net::IpAddr;
use store::token;

use crypto::TokenHash;
use edge::{Base, Error, Routes};
use rules::lockout::Guessed;
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

/// The token in the path, if it may still be used; else 401. One that is not there counts toward the lockout.
async fn token(base: &Base, text: &str, address: IpAddr) -> Result<BootstrapToken, Error> {
    let found = match TokenHash::of_hex(text) {
        Some(hash) => base.store.get(&token::bootstrap(&hash)).await?,
        None => None,
    };
    match found {
        Some(token) if token.expires_at > base.clock.now() => Ok(token),
        Some(_) => Err(Error::unauthenticated()),
        None => Err(base.attempts().failed(Guessed::Token, address).await),
    }
}
