//! People: sign-up, sign-in, sign-out, sessions, and the credentials that are not passkeys.

mod change_password;
mod me;
mod recovery;
mod second_factor;
mod sessions;
mod sign_in;
mod sign_out;
mod sign_up;
mod totp;
mod verification;

use std::sync::Arc;

use axum::extract::FromRef;
use edge::{Attempts, Clock, Config, MailQueue, Passwords, Routes, Services, Sessions};
use store::{KeyMaker, Keys, Store};

#[derive(Clone, FromRef)]
struct App {
    store: Store,
    key_maker: KeyMaker,
    keys: Keys,
    clock: Clock,
    config: Arc<Config>,
    attempts: Attempts,
    sessions: Sessions,
    passwords: Passwords,
    mail: Arc<dyn MailQueue>,
}

/// The function's routes. What asks for a mail asks `mail` for it.
pub fn routes(services: &Services, mail: Arc<dyn MailQueue>) -> Routes {
    let app = App {
        store: services.store.clone(),
        key_maker: services.key_maker(),
        keys: services.keys.clone(),
        clock: services.clock.clone(),
        config: services.config.clone(),
        attempts: services.attempts(),
        sessions: Sessions::new(services),
        passwords: Passwords::new(services),
        mail,
    };
    Routes::of("account")
        .post("/v1/account/sign-up", sign_up::sign_up)
        .post("/v1/account/sign-in", sign_in::sign_in)
        .post("/v1/account/sign-out", sign_out::sign_out)
        .get("/v1/account", me::me)
        .post("/v1/account/password", change_password::change)
        .get("/v1/account/sessions", sessions::list)
        .post("/v1/account/sessions/{id}/revoke", sessions::revoke)
        .post("/v1/account/verification", verification::ask)
        .post("/v1/account/verification/confirm", verification::confirm)
        .post("/v1/account/recovery", recovery::ask)
        .post("/v1/account/recovery/confirm", recovery::confirm)
        .post("/v1/account/totp/enroll", totp::enroll)
        .post("/v1/account/totp/confirm", totp::confirm)
        .post("/v1/account/totp/disable", totp::disable)
        .post("/v1/account/totp/recovery-codes", totp::recovery_codes)
        .with_state(app)
}
