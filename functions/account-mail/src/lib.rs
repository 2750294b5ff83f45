//! What people do that a mail belongs to: sign-up, verifying an address, recovering an account.

mod recovery;
mod sign_up;
mod verification;

use std::sync::Arc;

use axum::extract::FromRef;
use edge::{Attempts, Clock, Config, MailQueue, Passwords, Routes, Services, Sessions};
use store::{KeyMaker, Store};

#[derive(Clone, FromRef)]
struct App {
    store: Store,
    keys: KeyMaker,
    clock: Clock,
    config: Arc<Config>,
    attempts: Attempts,
    sessions: Sessions,
    passwords: Passwords,
    mail: Arc<dyn MailQueue>,
}

/// The function's routes. They ask `mail` for mails.
pub fn routes(services: &Services, mail: Arc<dyn MailQueue>) -> Routes {
    let app = App {
        store: services.store.clone(),
        keys: services.key_maker(),
        clock: services.clock.clone(),
        config: services.config.clone(),
        attempts: services.attempts(),
        sessions: Sessions::new(services),
        passwords: Passwords::new(services),
        mail,
    };
    Routes::of("account-mail")
        .post("/v1/account/sign-up", sign_up::sign_up)
        .post("/v1/account/verification", verification::ask)
        .post("/v1/account/verification/confirm", verification::confirm)
        .post("/v1/account/recovery", recovery::ask)
        .post("/v1/account/recovery/confirm", recovery::confirm)
        .with_state(app)
}
