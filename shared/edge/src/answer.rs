//! Answers. Those that carry values wipe their bytes when they have been sent.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use zeroize::Zeroizing;

/// A 200 with a JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

/// `{"success":true}`, with the ids that were touched.
#[derive(Debug, Serialize)]
pub struct Done<T> {
    success: bool,
    #[serde(flatten)]
    touched: T,
}

/// The answer of an action: success, and the ids it touched.
pub fn done<T: Serialize>(touched: T) -> Json<Done<T>> {
    Json(Done { success: true, touched })
}

pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => of_bytes(status, "application/json", bytes.into()),
        // Our own types serialise; if one does not, its content must not be guessed at.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A 200 whose JSON body carries values. The bytes are wiped when the last reader is done with them.
///
/// `size` is how many bytes the values have; the buffer is made large enough for most, because a buffer that grows
/// leaves copies behind.
pub fn secret_json(body: &impl Serialize, size: usize) -> Response {
    let mut bytes = Zeroizing::new(Vec::with_capacity(size.saturating_mul(2).saturating_add(256)));
    match serde_json::to_writer(&mut *bytes, body) {
        Ok(()) => of_bytes(StatusCode::OK, "application/json", Bytes::from_owner(bytes)),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A 200 of another content type, such as a script or an archive.
pub fn file(content_type: &'static str, bytes: Zeroizing<Vec<u8>>) -> Response {
    of_bytes(StatusCode::OK, content_type, Bytes::from_owner(bytes))
}

fn of_bytes(status: StatusCode, content_type: &'static str, bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
