//! Mail: what one is, and who carries it. On AWS that is SES; local mode keeps mails for a page.

use std::fmt;

use async_trait::async_trait;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};

use crate::error::describe;

/// A mail: plain text to one person. It may hold a link that signs in, so it is not printed.
#[derive(Clone)]
pub struct Mail {
    /// The address it goes to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
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
    /// Hands a mail over. That it is taken does not mean that it arrives.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// Amazon SES, version 2 of its API.
pub struct SesMailer {
    client: aws_sdk_sesv2::Client,
    from: String,
}

impl SesMailer {
    /// Mails from this sender, whose address or domain SES has verified.
    #[must_use]
    pub fn new(client: aws_sdk_sesv2::Client, from: String) -> Self {
        Self { client, from }
    }
}

#[async_trait]
impl Mailer for SesMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let utf8 = |text: &str| {
            let content = Content::builder().data(text).charset("UTF-8").build();
            content.map_err(|error| MailError(error.to_string()))
        };
        let body = Body::builder().text(utf8(&mail.text)?).build();
        let message = Message::builder().subject(utf8(&mail.subject)?).body(body).build();
        self.client
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(&mail.to).build())
            .content(EmailContent::builder().simple(message).build())
            .send()
            .await
            .map(drop)
            .map_err(|error| MailError(describe(&error).1))
    }
}
