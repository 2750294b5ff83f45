//! What is given out as it is: `GET /v1/openapi.json`, `GET /v1/health`, `GET /v1/webhooks/keys`, and the pages that links in mails lead to, `GET /verify-email` and
//! `GET /reset-password`.
//!
//! A page holds nothing of its own and asks the API. It takes the link's token from behind the `#`, where no server and no
//! log sees it, and acts when the person says so: a scanner that opens links in mails changes nothing.

mod document;
mod health;
mod keys;

use axum::extract::State;
use edge::page::{FORM, Page};
use edge::{Base, Error, Routes};
use http::HeaderMap;
use store::Store;

use crate::document::Document;

#[derive(Clone)]
struct App {
    store: Store,
    verify_email: Page,
    reset_password: Page,
}

/// What the page of a mailed link runs.
fn script(own: &str) -> String {
    [FORM, include_str!("pages/mailed.js"), own].concat()
}

/// The function's routes.
pub fn routes(base: &Base) -> Routes {
    let app = App {
        store: base.store.clone(),
        verify_email: Page::new(
            "Verify your address",
            include_str!("pages/verify-email.html"),
            &script(include_str!("pages/verify-email.js")),
        ),
        reset_password: Page::new(
            "Set a new password",
            include_str!("pages/reset-password.html"),
            &script(include_str!("pages/reset-password.js")),
        ),
    };
    Routes::of("dashboard")
        .get("/v1/openapi.json", openapi)
        .get("/v1/health", health::health)
        .get("/v1/webhooks/keys", keys::keys)
        .get("/verify-email", verify_email)
        .get("/reset-password", reset_password)
        .with_state(app)
}

/// `GET /v1/openapi.json`: the API as an OpenAPI document, compressed for clients that take it so. Caches may keep it.
async fn openapi(headers: HeaderMap) -> Document {
    Document::for_request(&headers)
}

/// `GET /verify-email`: the page of a link that verifies an address.
async fn verify_email(State(app): State<App>) -> Result<Page, Error> {
    Ok(app.verify_email)
}

/// `GET /reset-password`: the page of a link that resets a password.
async fn reset_password(State(app): State<App>) -> Result<Page, Error> {
    Ok(app.reset_password)
}
