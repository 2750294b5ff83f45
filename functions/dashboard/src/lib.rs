//! What is given out as it is: `GET /v1/openapi.json`, and the pages that links in mails lead to, `GET /verify-email` and
//! `GET /reset-password`.
//!
//! A page holds nothing of its own and asks the API. It takes the link's token from behind the `#`, where no server and no
//! log sees it, and acts when the person says so: a scanner that opens links in mails changes nothing.

mod document;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edge::answer::{File, Html, MediaType};
use edge::openapi::{Answers, Operation};
use edge::{Base, Error, Routes};
use http::{HeaderMap, HeaderValue, header};

use crate::document::Document;

const STYLE: &str = include_str!("pages/style.css");

/// A page and what the browser may do with it.
#[derive(Clone)]
struct Page {
    html: Arc<str>,
    policy: HeaderValue,
}

#[derive(Clone)]
struct Pages {
    verify_email: Page,
    reset_password: Page,
}

impl Page {
    /// A page of this content with this script. The browser runs this script and no other.
    fn new(title: &str, content: &str, script: &str) -> Self {
        let hash = |text: &str| STANDARD.encode(crypto::sha256(text.as_bytes()));
        let policy = format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            hash(script),
            hash(STYLE)
        );
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title} · SikkerKey</title>\n\
             <style>{STYLE}</style>\n<main>\n<h1>{title}</h1>\n{content}</main>\n<script>{script}</script>\n</html>\n"
        );
        // Base64 and constants: always a header's value.
        let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
        Self { html: html.into(), policy }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(Html::NAME)),
            (header::CONTENT_SECURITY_POLICY, self.policy),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        (headers, self.html.to_string()).into_response()
    }
}

impl Answers for Page {
    fn describe(operation: &mut Operation<'_>) {
        File::<Html>::describe(operation);
    }
}

/// The function's routes.
pub fn routes(_: &Base) -> Routes {
    let pages = Pages {
        verify_email: Page::new(
            "Verify your address",
            include_str!("pages/verify-email.html"),
            concat!(include_str!("pages/form.js"), include_str!("pages/verify-email.js")),
        ),
        reset_password: Page::new(
            "Set a new password",
            include_str!("pages/reset-password.html"),
            concat!(include_str!("pages/form.js"), include_str!("pages/reset-password.js")),
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
