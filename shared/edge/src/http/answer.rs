//! Answers. Those that carry values wipe their bytes when they have been sent.

use std::marker::PhantomData;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
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

/// `{"success":true}`, with the ids that were touched. Its schema is called as that of the ids.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}", description = "`{\"success\":true}`, with the ids that were touched.")]
pub struct Done<T> {
    success: bool,
    #[serde(flatten)]
    touched: T,
}

/// Nothing, where no id was touched.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Done")]
pub struct Nothing {}

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

/// A 200 whose JSON body carries values, in the form of a `T`. The bytes are wiped when the last reader is done with
/// them.
pub struct SecretJson<T>(Response, PhantomData<T>);

impl<T> IntoResponse for SecretJson<T> {
    fn into_response(self) -> Response {
        self.0
    }
}

/// A JSON body that carries values.
///
/// `size` is how many bytes the values have; the buffer is made large enough for most, because a buffer that grows
/// leaves copies behind.
pub fn secret_json<T>(body: &impl Serialize, size: usize) -> SecretJson<T> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(size.saturating_mul(2).saturating_add(256)));
    let response = match serde_json::to_writer(&mut *bytes, body) {
        Ok(()) => of_bytes(StatusCode::OK, "application/json", Bytes::from_owner(bytes)),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    SecretJson(response, PhantomData)
}

/// A media type of a [`File`].
pub trait MediaType {
    /// Its name, as a header has it.
    const NAME: &'static str;
    /// What a schema calls what is in it.
    const SCHEMA: &'static str = "string";
}

macro_rules! media_types {
    ($($(#[$doc:meta])* $name:ident $text:literal)+) => {
        $(
            $(#[$doc])*
            pub struct $name;

            impl MediaType for $name {
                const NAME: &'static str = $text;
            }
        )+
    };
}

media_types! {
    /// Text, such as a script.
    Text "text/plain; charset=utf-8"
    /// A page.
    Html "text/html; charset=utf-8"
    /// A table.
    Csv "text/csv; charset=utf-8"
    /// An archive.
    Zip "application/zip"
}

/// A 200 of a media type that is given as bytes. The bytes are wiped when the last reader is done with them.
pub struct File<M>(Response, PhantomData<M>);

impl<M: MediaType> File<M> {
    /// Of these bytes.
    #[must_use]
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(of_bytes(StatusCode::OK, M::NAME, Bytes::from_owner(bytes)), PhantomData)
    }

    /// Of this text, which is always the same and no secret.
    #[must_use]
    pub fn fixed(text: &'static str) -> Self {
        Self(of_bytes(StatusCode::OK, M::NAME, Bytes::from_static(text.as_bytes())), PhantomData)
    }

    /// With a header more.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }
}

impl<M> IntoResponse for File<M> {
    fn into_response(self) -> Response {
        self.0
    }
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
