//! Errors: what the caller is told, and what only the log learns.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use crypto::OpenError;
use http::{HeaderValue, StatusCode, header};
use protocol::bodies::ErrorBody;
use rules::Time;
use rules::limits::Invalid;
use rules::policies::Denied;
use rules::signer::{Kind, Refused as _};
use rules::{enrollment, manage_gate, read_gate, signer};
use store::{CommitError, KeyError, StoreError};

use super::code::{self, Code};
use crate::answer;

/// An answer that is not a success. `Display` is never sent; the two messages are separate on purpose.
#[derive(Debug)]
pub struct Error {
    code: Code,
    outside: Cow<'static, str>,
    inside: Option<String>,
    retry_after_seconds: Option<u64>,
    is_recorded: bool,
}

/// Both messages of an error; they travel with the response to the log line and the audit record.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// What the caller was told.
    pub(crate) outside: Cow<'static, str>,
    /// What only the log learns.
    pub(crate) inside: Option<String>,
    /// Whether whoever refused has written the record of it.
    pub(crate) is_recorded: bool,
}

impl Error {
    /// An error of this code with a text for the caller, who is told what to do.
    pub fn new(code: Code, outside: impl Into<Cow<'static, str>>) -> Self {
        Self { code, outside: outside.into(), inside: None, retry_after_seconds: None, is_recorded: false }
    }

    /// 401, always with the same text.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(Code::AuthenticationFailed, "Authentication failed")
    }

    /// 404: absent, or in another vault, which nobody can tell apart.
    #[must_use]
    pub fn not_found(what: &'static str) -> Self {
        let name = format!("{}_not_found", what.to_ascii_lowercase().replace(' ', "_"));
        let code = Code::named(&name);
        debug_assert!(code.is_some(), "no code {name}");
        Self::new(code.unwrap_or(Code::ResourceNotFound), format!("{what} not found"))
    }

    /// 410: a one-time link that was used or has expired.
    #[must_use]
    pub fn gone() -> Self {
        Self::new(Code::LinkGone, "This link was used or has expired")
    }

    /// 422: well formed but not taken.
    pub fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Invalid::new(field, problem).into()
    }

    /// 500 with a text that says nothing; the detail goes to the log.
    pub fn internal(inside: impl Into<String>) -> Self {
        Self::new(Code::Internal, "Something went wrong on our side").inside(inside)
    }

    /// 503: something we need does not answer; the request may be tried again.
    pub fn unavailable(outside: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Unavailable, outside)
    }

    /// 403: the person has to show again who they are.
    #[must_use]
    pub fn step_up_required() -> Self {
        let text = "Show again that it is you, with a passkey, a code or your password (POST /v1/account/step-up)";
        Self::new(Code::StepUpRequired, text)
    }

    /// 429: the address is locked out until then.
    #[must_use]
    pub fn locked_out(until: Time, now: Time) -> Self {
        let text = "Too many failed attempts from this address, try again later";
        Self::new(Code::LockedOut, text).inside("source address locked out").retry_after(now.seconds_until(until))
    }

    /// 429: the account takes no password and no code until then.
    #[must_use]
    pub fn held_back(until: Time, now: Time) -> Self {
        let text = "Too many wrong passwords or codes for this account, wait before the next one";
        Self::new(Code::HeldBack, text).retry_after(now.seconds_until(until))
    }

    /// Adds what only the log learns.
    #[must_use]
    pub fn inside(mut self, inside: impl Into<String>) -> Self {
        self.inside = Some(inside.into());
        self
    }

    /// Says that its record is written: the door writes none.
    #[must_use]
    pub fn recorded(mut self) -> Self {
        self.is_recorded = true;
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

    /// What went wrong, for programs.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The status it is sent with.
    pub fn status(&self) -> StatusCode {
        self.code.status()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = ErrorBody { error: self.outside.clone().into_owned() };
        let mut response = answer::json(self.code.status(), &body);
        response.headers_mut().insert(code::HEADER, HeaderValue::from_static(self.code.name()));
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let Self { outside, inside, is_recorded, .. } = self;
        response.extensions_mut().insert(Told { outside, inside, is_recorded });
        response
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::new(Code::Invalid, invalid.to_string())
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
                Self::new(Code::Sealed, "The server is sealed, try again later").inside(error.to_string())
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
                Self::new(Code::ChangedMeanwhile, "This changed at the same time, try again").inside(error.to_string())
            }
            CommitError::Store(error) => error.into(),
        }
    }
}

impl From<signer::Refusal> for Error {
    fn from(refusal: signer::Refusal) -> Self {
        use signer::Refusal;
        let code = match refusal {
            Refusal::Unknown(_)
            | Refusal::Removed(_)
            | Refusal::StaleTimestamp
            | Refusal::BadSignature
            | Refusal::Expired
            | Refusal::Replayed => Code::AuthenticationFailed,
            Refusal::AddressNotAllowed => Code::AccessDenied,
            Refusal::Pending(Kind::Machine) => Code::MachineNotApproved,
            Refusal::Pending(Kind::Agent) => Code::AgentNotApproved,
            Refusal::Disabled(Kind::Machine) => Code::MachineDisabled,
            Refusal::Disabled(Kind::Agent) => Code::AgentDisabled,
        };
        Self::new(code, refusal.to_string()).inside(refusal.reason())
    }
}

impl From<read_gate::Refusal> for Error {
    fn from(refusal: read_gate::Refusal) -> Self {
        use read_gate::Refusal;
        let code = match refusal {
            Refusal::Signer(refusal) => return refusal.into(),
            Refusal::NotAMember => Code::NotAMember,
            Refusal::NoGrant => Code::NotGranted,
            Refusal::SecretNotFound | Refusal::PolicyMissing | Refusal::Policy(Denied::TtlReached) => {
                Code::SecretNotFound
            }
            Refusal::ProjectNotFound => Code::ProjectNotFound,
            Refusal::ProjectFrozen => Code::ProjectFrozen,
            Refusal::Policy(Denied::OutsideTimeWindow) => Code::OutsideTimeWindow,
            Refusal::Policy(Denied::AddressNotAllowed) => Code::AddressNotAllowed,
            Refusal::Policy(Denied::NotCosigned) => Code::NotCosigned,
            Refusal::Policy(Denied::RateCapped { .. }) => Code::RateCapped,
        };
        let error = Self::new(code, refusal.to_string()).inside(refusal.reason());
        match refusal {
            Refusal::Policy(Denied::RateCapped { retry_after_seconds }) => error.retry_after(retry_after_seconds),
            _ => error,
        }
    }
}

impl From<manage_gate::Refusal> for Error {
    fn from(refusal: manage_gate::Refusal) -> Self {
        match refusal {
            manage_gate::Refusal::Signer(refusal) => refusal.into(),
            manage_gate::Refusal::ScopeMissing(_) => {
                Self::new(Code::ScopeMissing, refusal.to_string()).inside(refusal.reason())
            }
        }
    }
}

impl From<enrollment::Refusal> for Error {
    fn from(refusal: enrollment::Refusal) -> Self {
        use enrollment::Refusal;
        let code = match refusal {
            Refusal::NotValid => Code::AuthenticationFailed,
            Refusal::Address => Code::EnrollmentAddress,
            Refusal::Hostname => Code::EnrollmentHostname,
            Refusal::UsedUp => Code::TokenUsedUp,
        };
        Self::new(code, refusal.to_string())
    }
}
