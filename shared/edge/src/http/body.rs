//! Bodies and path parameters, parsed once, with errors that say what to do and never quote what was sent.

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use http::request::Parts;
use http::{HeaderMap, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::{Code, Error};

/// Largest body of the machine plane and of onboarding, in bytes (64 KiB).
pub const SMALL: usize = 64 * 1_024;
/// Largest body of the management plane, in bytes (1 MiB).
pub const LARGE: usize = 1_024 * 1_024;

/// Most that is taken in of a body that is refused, in bytes (16 MiB).
const DRAINED: usize = 16 * 1_024 * 1_024;

/// Reads a whole body of at most `limit` bytes, into memory that wipes itself.
pub(crate) async fn read(mut body: axum::body::Body, limit: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let too_large = || Error::new(Code::BodyTooLarge, format!("The body is larger than {limit} bytes"));
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        drain(body).await;
        return Err(too_large());
    }
    // As large as announced, because a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(announced));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Error::new(Code::BodyIncomplete, "The body did not arrive whole").inside(error.to_string())
        })?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > limit {
                drain(body).await;
                return Err(too_large());
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

/// Takes in what is left of a body that is refused, up to a point: a client that is still sending when the answer comes and
/// the connection closes sees a broken connection, and not the answer.
async fn drain(mut body: axum::body::Body) {
    let mut left = DRAINED;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, bytes::Bytes::len));
        if left == 0 {
            return;
        }
    }
}

/// Parses a JSON body. No body counts as `{}` where every field is optional, and white space alone is no body.
pub fn parse<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Error> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Error::new(Code::ContentType, "The body must be sent without a Content-Encoding"));
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return parse_json(b"{}");
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        let text = "The body must be JSON, and Content-Type has to say so";
        return Err(Error::new(Code::ContentType, text));
    }
    parse_json(body)
}

fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    // The library would take a list for an object, its members for fields in their order.
    let is_list = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if is_list && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        return Err(Error::new(Code::Invalid, "The body must be a JSON object"));
    }
    let mut parser = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut parser).map_err(|error| {
        let path = error.path().to_string();
        // The library calls it a mistake of syntax when there is a number where a name out of a list should be.
        let is_json = error.inner().to_string().starts_with("expected value")
            && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
        explain(&path, error.inner(), is_json)
    })?;
    parser.end().map_err(|error| explain(".", &error, false))?;
    Ok(parsed)
}

/// Says what is wrong with a body. The library's text can quote values, which may be secrets, so all that is taken
/// from it is the name of a field; and since `curl | sh` feeds answers to a shell, only harmless characters of that.
fn explain(path: &str, error: &serde_json::Error, is_json: bool) -> Error {
    if error.classify() != serde_json::error::Category::Data && !is_json {
        let text = format!("The body is not valid JSON at line {}, column {}", error.line(), error.column());
        return Error::new(Code::BadJson, text);
    }
    let text = error.to_string();
    let field = |start: &str| {
        let name = text.strip_prefix(start)?.split('`').next()?;
        Some(name.chars().filter(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).take(64).collect::<String>())
    };
    if let Some(field) = field("duplicate field `") {
        return Error::new(Code::FieldTwice, format!("The body has the field {field} twice"));
    }
    let unprocessable = |text| Error::new(Code::Invalid, text);
    if let Some(field) = field("missing field `") {
        return unprocessable(format!("The body lacks the field {field}"));
    }
    if let Some(field) = field("unknown field `") {
        return unprocessable(format!("The body has the unknown field {field}"));
    }
    let at = if path == "." { "The body".to_owned() } else { path.chars().take(100).collect() };
    // `null` where a list is expected is malformed (decisions 13); any other wrong type is invalid input.
    if text.starts_with("invalid type: null") {
        return Error::new(Code::NullNotAllowed, format!("{at} must not be null"));
    }
    unprocessable(format!("{at} has the wrong type or form"))
}

/// A JSON body of at most `LIMIT` bytes.
#[derive(Debug)]
pub struct Body<T, const LIMIT: usize = LARGE>(pub T);

impl<S: Send + Sync, T: DeserializeOwned, const LIMIT: usize> FromRequest<S> for Body<T, LIMIT> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        let headers = request.headers().clone();
        let body = read(request.into_body(), LIMIT).await?;
        parse(&headers, &body).map(Self)
    }
}

/// Ids out of the path. A text that does not have the shape of an id names nothing: 404.
#[derive(Debug)]
pub struct Ids<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Ids<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(ids)| Self(ids))
            .map_err(|_| Error::not_found("Resource"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Example {
        name: String,
        ids: Vec<u32>,
        note: Option<String>,
    }

    fn parse(body: &str) -> Result<Example, Error> {
        let headers =
            HeaderMap::from_iter([(header::CONTENT_TYPE, "application/json; charset=utf-8".parse().unwrap())]);
        super::parse(&headers, body.as_bytes())
    }

    #[test]
    fn each_mistake_has_its_status_and_no_value_is_quoted() {
        let deep = "[".repeat(200);
        for (body, status) in [
            (r#"{"name":"n","ids":[1]"#, 400),
            (r#"{"name":"n","ids":[1]} x"#, 400),
            (r#"{"name":"n","name":"n","ids":[]}"#, 400),
            (r#"{"name":"n","ids":null}"#, 400),
            (&deep, 422),
            (&format!(r#"{{"note":{deep}"#), 422),
            (r#"{"name":"n"}"#, 422),
            (r#"{"name":"n","ids":[],"nmae":1}"#, 422),
            (r#"{"name":"n","ids":["hunter2"]}"#, 422),
            (r#"{"name":"n","ids":"hunter2"}"#, 422),
            (r#""hunter2""#, 422),
            (r#" ["hunter2",[1],null]"#, 422),
            (r#"["hunter2""#, 400),
            ("", 422),
        ] {
            let error = parse(body).unwrap_err();
            assert_eq!(error.status().as_u16(), status, "{body}: {error:?}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        assert!(parse(r#"{"name":"n","ids":[1],"note":null}"#).is_ok());
    }

    #[test]
    fn another_content_type_is_415() {
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]);
            let error = super::parse::<Example>(&headers, b"{}").unwrap_err();
            assert_eq!(error.status().as_u16(), 415);
        }
        assert_eq!(super::parse::<Example>(&HeaderMap::new(), b"{}").unwrap_err().status().as_u16(), 415);
    }
}
