//! What people do that a mail belongs to: sign-up, verifying an address, recovering an account.

mod recovery;
mod sign_up;
mod verification;

use std::sync::Arc;

use axum::extract::FromRef;
use edge::{Attempts, Base, Clock, Config, MailQueue, Origins, Passwords, Routes, Sessions};
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
    origins: Origins,
    mail: Arc<dyn MailQueue>,
}

/// The function's routes. They ask `mail` for mails.
pub fn routes(base: &Base, keys: KeyMaker, mail: Arc<dyn MailQueue>) -> Routes {
    let app = App {
        store: base.store.clone(),
        keys,
        clock: base.clock.clone(),
        config: base.config.clone(),
        attempts: base.attempts(),
        sessions: Sessions::new(base),
        passwords: Passwords::new(base),
        origins: Origins::new(base),
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
