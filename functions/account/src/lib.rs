//! People: sign-in, sign-out, sessions, passwords and second factors.

mod change_password;
mod me;
mod second_factor;
mod sessions;
mod sign_in;
mod sign_out;
mod totp;

use axum::extract::FromRef;
use edge::second_factor::Codes;
use edge::{Attempts, Base, Clock, Origins, Passwords, Routes, Sessions};
use store::{KeyRing, Store};

#[derive(Clone, FromRef)]
struct App {
    store: Store,
    keys: KeyRing,
    codes: Codes,
    clock: Clock,
    attempts: Attempts,
    sessions: Sessions,
    passwords: Passwords,
    origins: Origins,
}

/// The function's routes.
pub fn routes(base: &Base, keys: KeyRing) -> Routes {
    let app = App {
        store: base.store.clone(),
        codes: Codes::new(base, keys.clone()),
        keys,
        clock: base.clock.clone(),
        attempts: base.attempts(),
        sessions: Sessions::new(base),
        passwords: Passwords::new(base),
        origins: Origins::new(base),
    };
    Routes::of("account")
        .post("/v1/account/sign-in", sign_in::sign_in)
        .post("/v1/account/sign-out", sign_out::sign_out)
        .get("/v1/account", me::me)
        .post("/v1/account/password", change_password::change)
        .get("/v1/account/sessions", sessions::list)
        .post("/v1/account/sessions/{id}/revoke", sessions::revoke)
        .post("/v1/account/totp/enroll", totp::enroll)
        .post("/v1/account/totp/confirm", totp::confirm)
        .post("/v1/account/totp/disable", totp::disable)
        .post("/v1/account/totp/recovery-codes", totp::recovery_codes)
        .with_state(app)
}
