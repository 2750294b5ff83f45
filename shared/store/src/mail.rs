//! A mail, and the carrier that sends it. On AWS that is SES, in `send-mail`. Local mode keeps mails for a page.

use std::fmt;

use async_trait::async_trait;

/// A mail to one person. It may hold a link that signs in, so it is not printed.
#[derive(Clone)]
pub struct Mail {
    /// The address it goes to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// The same as a page, for those who read mail so.
    pub html: Option<String>,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a mail: {}", self.subject)
    }
}

/// A mail was not taken. The text is for the log.
#[derive(Debug, thiserror::Error)]
#[error("the mail was not taken: {0}")]
pub struct MailError(pub String);

/// Carries mail.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands a mail to the carrier. A mail that the carrier accepts may still be lost.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}
