//! Refusals of routes whose answer is piped into a shell: the shell says why, and ends with 1.

use std::marker::PhantomData;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use crate::Error;
use crate::answer::{MediaType as _, Text};

/// A shell that a script is for.
pub trait Shell {
    /// Three lines that say why on standard error and end with 1. The reason comes from outside, so it is quoted.
    fn refusing(reason: &str) -> String;
}

/// `sh`, as on Linux and macOS.
pub struct Sh;

impl Shell for Sh {
    fn refusing(reason: &str) -> String {
        let reason = reason.replace('\'', "'\\''");
        format!("#!/bin/sh\nprintf 'sikkerkey: %s\\n' '{reason}' >&2\nexit 1\n")
    }
}

/// PowerShell, as on Windows.
pub struct PowerShell;

impl Shell for PowerShell {
    fn refusing(reason: &str) -> String {
        // Some typographic quotes end a text as well.
        let quote = |c: char| matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}');
        let reason: String = reason.chars().map(|c| if quote(c) { "''".to_owned() } else { c.to_string() }).collect();
        format!("# SikkerKey has no script for you.\n[Console]::Error.WriteLine('sikkerkey: {reason}')\nexit 1\n")
    }
}

/// An error in the words of a shell.
pub struct Refused<S>(Error, PhantomData<S>);

impl<S, E: Into<Error>> From<E> for Refused<S> {
    fn from(error: E) -> Self {
        Self(error.into(), PhantomData)
    }
}

impl<S: Shell> IntoResponse for Refused<S> {
    fn into_response(self) -> Response {
        // A line end would end the quoted line, and what follows would be run.
        let reason: String = self.0.outside().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut response = self.0.into_response();
        *response.body_mut() = Body::from(S::refusing(&reason));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(Text::NAME));
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[tokio::test]
    async fn a_reason_is_said_and_never_run() {
        let sh = Sh::refusing("it's $(id) `id` \\ gone");
        assert_eq!(sh, "#!/bin/sh\nprintf 'sikkerkey: %s\\n' 'it'\\''s $(id) `id` \\ gone' >&2\nexit 1\n");
        let ran = std::process::Command::new("sh").arg("-c").arg(&sh).output().unwrap();
        assert_eq!(ran.status.code(), Some(1));
        assert_eq!(String::from_utf8(ran.stderr).unwrap(), "sikkerkey: it's $(id) `id` \\ gone\n");
        assert!(ran.stdout.is_empty());
        assert!(PowerShell::refusing("it's\u{2019}").contains("'sikkerkey: it''s'''"));
        let broken: Refused<Sh> = Error::new(Code::BadJson, "a\nid\r\n").into();
        let body = axum::body::to_bytes(broken.into_response().into_body(), 1_000).await.unwrap();
        assert_eq!(str::from_utf8(&body).unwrap().matches('\n').count(), 3);
    }
}
