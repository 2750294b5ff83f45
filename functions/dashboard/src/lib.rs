//! What is given out as it is: `GET /v1/openapi.json`, and the pages that links in mails lead to, `GET /verify-email` and
//! `GET /reset-password`.
//!
//! A page holds nothing of its own and asks the API. It takes the link's token from behind the `#`, where no server and no
//! log sees it, and acts when the person says so: a scanner that opens links in mails changes nothing.

mod document;

use axum::extract::State;
use edge::page::{FORM, Page};
use edge::{Base, Error, Routes};
use http::HeaderMap;

use crate::document::Document;

#[derive(Clone)]
struct Pages {
    verify_email: Page,
    reset_password: Page,
}

/// What the page of a mailed link runs.
fn script(own: &str) -> String {
    [FORM, include_str!("pages/mailed.js"), own].concat()
}

/// The function's routes.
pub fn routes(_: &Base) -> Routes {
    let pages = Pages {
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
        .get("/verify-email", verify_email)
        .get("/reset-password", reset_password)
        .with_state(pages)
}

/// `GET /v1/openapi.json`: the API as an OpenAPI document, compressed for clients that take it so. Caches may keep it.
async fn openapi(headers: HeaderMap) -> Document {
    Document::for_request(&headers)
}

/// `GET /verify-email`: the page of a link that verifies an address.
async fn verify_email(State(pages): State<Pages>) -> Result<Page, Error> {
    Ok(pages.verify_email)
}

/// `GET /reset-password`: the page of a link that resets a password.
async fn reset_password(State(pages): State<Pages>) -> Result<Page, Error> {
    Ok(pages.reset_password)
}
