//! The OpenAPI document as an answer: compressed if the client takes it so, and not at all if the client has it already.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edge::openapi::{Answers, Operation};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

/// Made from the code by `tests/template/run --write`.
const OPENAPI: &str = include_str!("../../../docs/openapi.json");

const JSON: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

/// Compressed when the first client asks for it.
static GZIP: LazyLock<Option<Vec<u8>>> = LazyLock::new(|| {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(OPENAPI.as_bytes()).ok()?;
    encoder.finish().ok()
});

/// Names the content and not its form, so it is a weak one.
static ETAG: LazyLock<String> =
    LazyLock::new(|| format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(crypto::sha256(OPENAPI.as_bytes()))));

/// The document in the form that a request asks for.
pub(crate) enum Document {
    Unchanged,
    Plain,
    Compressed(&'static [u8]),
}

/// The members of a header that is a list.
fn members(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lists = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim)
}

impl Document {
    pub(crate) fn for_request(headers: &HeaderMap) -> Self {
        let etag = ETAG.trim_start_matches("W/");
        if members(headers, header::IF_NONE_MATCH).any(|known| known == "*" || known.trim_start_matches("W/") == etag) {
            return Self::Unchanged;
        }
        let takes_gzip = members(headers, header::ACCEPT_ENCODING).any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let is_refused = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0));
            name.trim().eq_ignore_ascii_case("gzip") && !is_refused
        });
        match &*GZIP {
            Some(compressed) if takes_gzip => Self::Compressed(compressed),
            _ => Self::Plain,
        }
    }
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        let mut response = match self {
            Self::Unchanged => StatusCode::NOT_MODIFIED.into_response(),
            Self::Plain => (JSON, OPENAPI).into_response(),
            Self::Compressed(bytes) => (JSON, [(header::CONTENT_ENCODING, "gzip")], bytes).into_response(),
        };
        let headers = response.headers_mut();
        if let Ok(etag) = HeaderValue::try_from(&*ETAG) {
            headers.insert(header::ETAG, etag);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

impl Answers for Document {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers("application/json", &json!({ "type": "object" }));
        operation.answers_header("ETag", "Names the content; sent back as `If-None-Match` it saves the answer.");
        operation.answers_unchanged();
    }
}
