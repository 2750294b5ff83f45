//! Errors: what the caller is told, and what only the log learns.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use crypto::OpenError;
use http::{HeaderValue, StatusCode, header};
use protocol::bodies::ErrorBody;
use rules::Time;
use rules::limits::Invalid;
use rules::signer::Refused as _;
use rules::{enrollment, manage_gate, read_gate, signer};
use store::{CommitError, KeyError, StoreError};

use crate::answer;

/// An answer that is not a success. `Display` is never sent; the two messages are separate on purpose.
#[derive(Debug)]
pub struct Error {
    status: StatusCode,
    outside: Cow<'static, str>,
    inside: Option<String>,
    retry_after_seconds: Option<u64>,
}

/// Both messages of an error; they travel with the response to the log line and the audit record.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// What the caller was told.
    pub(crate) outside: Cow<'static, str>,
    /// What only the log learns.
    pub(crate) inside: Option<String>,
}

impl Error {
    /// An error of this status with a text for the caller.
    pub fn new(status: StatusCode, outside: impl Into<Cow<'static, str>>) -> Self {
        Self { status, outside: outside.into(), inside: None, retry_after_seconds: None }
    }

    /// 400: the request is malformed.
    pub fn malformed(outside: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, outside)
    }

    /// 401, always with the same text.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Authentication failed")
    }

    /// 403.
    pub fn forbidden(outside: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, outside)
    }

    /// 404: absent, or in another vault, which nobody can tell apart.
    #[must_use]
    pub fn not_found(what: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} not found"))
    }

    /// 409: not in the state it is in.
    pub fn conflict(outside: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, outside)
    }

    /// 410: a one-time link that was used or has expired.
    #[must_use]
    pub fn gone() -> Self {
        Self::new(StatusCode::GONE, "This link was used or has expired")
    }

    /// 422: well formed but not taken.
    pub fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Invalid::new(field, problem).into()
    }

    /// 500 with a text that says nothing; the detail goes to the log.
    pub fn internal(inside: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side").inside(inside)
    }

    /// 503: something we need does not answer; the request may be tried again.
    pub fn unavailable(outside: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, outside)
    }

    /// 429: the address is locked out until then.
    #[must_use]
    pub fn locked_out(until: Time, now: Time) -> Self {
        let text = "Too many failed attempts from this address, try again later";
        Self::new(StatusCode::TOO_MANY_REQUESTS, text)
            .inside("source address locked out")
            .retry_after(now.seconds_until(until))
    }

    /// 429: the account takes no password and no code until then.
    #[must_use]
    pub fn held_back(until: Time, now: Time) -> Self {
        let text = "Too many wrong passwords or codes for this account, wait before the next one";
        Self::new(StatusCode::TOO_MANY_REQUESTS, text).retry_after(now.seconds_until(until))
    }

    /// Adds what only the log learns.
    #[must_use]
    pub fn inside(mut self, inside: impl Into<String>) -> Self {
        self.inside = Some(inside.into());
        self
    }

    /// Adds `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// What the caller is told.
    pub fn outside(&self) -> &str {
        &self.outside
    }

    /// What only the log learns.
    pub fn reason(&self) -> Option<&str> {
        self.inside.as_deref()
    }

    /// The status it is sent with.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = answer::json(self.status, &ErrorBody { error: self.outside.clone().into_owned() });
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Told { outside: self.outside, inside: self.inside });
        response
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, invalid.to_string())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                Self::unavailable("The store is unavailable, try again later").inside(error.to_string())
            }
            StoreError::Refused(_) | StoreError::Damaged(_) => Self::internal(error.to_string()),
        }
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Unavailable(_) => {
                Self::unavailable("The server is sealed, try again later").inside(error.to_string())
            }
            KeyError::Damaged => Self::internal(error.to_string()),
        }
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        Self::internal(error.to_string())
    }
}

/// A condition that the route did not name means that things changed while it worked.
impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Refused(_) | CommitError::Conflict => {
                Self::conflict("This changed at the same time, try again").inside(error.to_string())
            }
            CommitError::Store(error) => error.into(),
        }
    }
}

impl From<signer::Refusal> for Error {
    fn from(refusal: signer::Refusal) -> Self {
        use signer::Refusal;
        let status = match refusal {
            Refusal::Unknown(_)
            | Refusal::StaleTimestamp
            | Refusal::BadSignature
            | Refusal::Removed(_)
            | Refusal::Expired
            | Refusal::Replayed => StatusCode::UNAUTHORIZED,
            Refusal::AddressNotAllowed | Refusal::Pending(_) | Refusal::Disabled(_) => StatusCode::FORBIDDEN,
        };
        Self::new(status, refusal.to_string()).inside(refusal.reason())
    }
}

impl From<read_gate::Refusal> for Error {
    fn from(refusal: read_gate::Refusal) -> Self {
        use read_gate::Refusal;
        let status = match refusal {
            Refusal::Signer(refusal) => return refusal.into(),
            Refusal::NotAMember | Refusal::NoGrant => StatusCode::FORBIDDEN,
            Refusal::SecretNotFound | Refusal::ProjectNotFound => StatusCode::NOT_FOUND,
            Refusal::ProjectFrozen => StatusCode::LOCKED,
        };
        Self::new(status, refusal.to_string()).inside(refusal.reason())
    }
}

impl From<manage_gate::Refusal> for Error {
    fn from(refusal: manage_gate::Refusal) -> Self {
        match refusal {
            manage_gate::Refusal::Signer(refusal) => refusal.into(),
            manage_gate::Refusal::ScopeMissing(_) => Self::forbidden(refusal.to_string()).inside(refusal.reason()),
        }
    }
}

impl From<enrollment::Refusal> for Error {
    fn from(refusal: enrollment::Refusal) -> Self {
        use enrollment::Refusal;
        let status = match refusal {
            Refusal::NotValid => StatusCode::UNAUTHORIZED,
            Refusal::Address | Refusal::Hostname => StatusCode::FORBIDDEN,
            Refusal::UsedUp => StatusCode::CONFLICT,
        };
        Self::new(status, refusal.to_string())
    }
}
