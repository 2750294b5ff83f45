//! Pages for people without a session: what links lead to. A page comes from one origin alone, and the browser runs its one
//! script and no other.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, header};

use crate::Error;
use crate::answer::{File, Html, MediaType as _};
use crate::openapi::{Answers, Operation};

const STYLE: &str = include_str!("page/style.css");
/// The beginning of the script of a page that has a form: how it is sent, and how its words are said.
pub const FORM: &str = include_str!("page/form.js");

/// A page and what the browser may do with it.
#[derive(Clone)]
pub struct Page {
    html: Arc<str>,
    policy: HeaderValue,
}

impl Page {
    /// A page of this content with this script. Neither is escaped.
    #[must_use]
    pub fn new(title: &str, content: &str, script: &str) -> Self {
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

    fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static(Html::NAME)),
            (header::CONTENT_SECURITY_POLICY, self.policy.clone()),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ])
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        (self.headers(), self.html.to_string()).into_response()
    }
}

impl Answers for Page {
    fn describe(operation: &mut Operation<'_>) {
        File::<Html>::describe(operation);
    }
}

/// An error on a page.
pub struct Refused(Error);

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        // Our own words, and no mark-up in them; but what may come to stand in a text is not for here to know.
        let reason = self.0.outside().replace('&', "&amp;").replace('<', "&lt;");
        let page = Page::new("This did not work", &format!("<p>{reason}.</p>\n"), "");
        let mut response = self.0.into_response();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response.headers_mut().extend(page.headers());
        *response.body_mut() = Body::from(page.html.to_string());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[tokio::test]
    async fn an_error_is_said_on_a_page_and_is_no_mark_up() {
        let refused: Refused = Error::new(Code::LinkGone, "gone <script>&").into();
        let response = refused.into_response();
        assert_eq!(response.status(), 410);
        assert_eq!(response.headers()["x-sikkerkey-error"], "link_gone");
        assert_eq!(response.headers()[header::CONTENT_TYPE], Html::NAME);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        assert!(str::from_utf8(&body).unwrap().contains("<p>gone &lt;script>&amp;.</p>"));
    }
}
