//! Passkeys (WebAuthn): adding them, listing them, and signing in with one in place of password and code. And stepping up,
//! which a passkey, a code and a password do.
//!
//! A passkey is discoverable and its authenticator verifies the person, so it needs no name typed and is two factors in
//! one. Each use is a ceremony in two requests; between them its challenge is kept for five minutes under a token.

mod ceremony;
mod passkeys;
mod register;
mod sign_in;
mod step_up;

use rules::nouns::PasskeyId;
use std::sync::Arc;

use axum::extract::FromRef;
use edge::second_factor::Codes;
use edge::{Attempts, Base, Clock, Code, Config, Error, Origins, Passwords, Routes, Sessions};
use schemars::JsonSchema;
use serde::Serialize;
use store::{KeyRing, Store};
use webauthn_rs::prelude::Url;
use webauthn_rs::{Webauthn, WebauthnBuilder};

#[derive(Clone, FromRef)]
struct App {
    store: Store,
    clock: Clock,
    attempts: Attempts,
    sessions: Sessions,
    passwords: Passwords,
    origins: Origins,
    codes: Codes,
    webauthn: Option<Arc<Webauthn>>,
}

/// The function's routes.
pub fn routes(base: &Base, keys: KeyRing) -> Routes {
    let app = App {
        store: base.store.clone(),
        clock: base.clock.clone(),
        attempts: base.attempts(),
        sessions: Sessions::new(base),
        passwords: Passwords::new(base),
        origins: Origins::new(base),
        codes: Codes::new(base, keys),
        webauthn: relying_party(&base.config).map(Arc::new),
    };
    Routes::of("account-passkeys")
        .get("/v1/account/passkeys", passkeys::list)
        .post("/v1/account/passkeys/register", register::start)
        .post("/v1/account/passkeys/register/finish", register::finish)
        .post("/v1/account/passkeys/sign-in", sign_in::start)
        .post("/v1/account/passkeys/sign-in/finish", sign_in::finish)
        .post("/v1/account/step-up", step_up::finish)
        .post("/v1/account/step-up/passkey", step_up::start)
        .post("/v1/account/passkeys/{id}/rename", passkeys::rename)
        .post("/v1/account/passkeys/{id}/remove", passkeys::remove)
        .with_state(app)
}

/// Us, as authenticators know us: by our host name. Nothing where we have only an address.
fn relying_party(config: &Config) -> Option<Webauthn> {
    let origin = Url::parse(&config.url).ok()?;
    WebauthnBuilder::new(origin.domain()?, &origin).ok()?.rp_name("SikkerKey").build().ok()
}

/// The passkey that an action touched.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChangedPasskey")]
#[serde(rename_all = "camelCase")]
struct Touched {
    passkey_id: PasskeyId,
}

impl App {
    fn webauthn(&self) -> Result<&Webauthn, Error> {
        let text = "Passkeys need a server that is reached by a host name";
        self.webauthn.as_deref().ok_or_else(|| Error::new(Code::PasskeysUnavailable, text))
    }
}
