//! Mail by Amazon SES, version 2 of its API.
//!
//! A crate of its own, so that only the function that sends mail is made larger by it.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use lambda::{Aws, Counter, connect, describe, retries, timeouts};
use store::meter::Counted;
use store::{Mail, MailError, Mailer};

struct SesMailer {
    client: aws_sdk_sesv2::Client,
    from: String,
}

/// The mailer of a deployment without a sender. What asks for mail has been told so; what was under way meanwhile ends here.
struct NoMailer;

#[async_trait]
impl Mailer for NoMailer {
    async fn send(&self, _: &Mail) -> Result<(), MailError> {
        Err(MailError("SIKKERKEY_MAIL_FROM is not set".to_owned()))
    }
}

/// SES, with a connection to it, for mails from this sender, whose address or domain it has verified; nobody without one.
pub async fn mailer(aws: &Aws, from: Option<&str>) -> Arc<dyn Mailer> {
    let Some(from) = from else { return Arc::new(NoMailer) };
    let mut config = aws_sdk_sesv2::config::Builder::from(aws.shared())
        .timeout_config(timeouts())
        .retry_config(retries())
        .interceptor(Counter(Counted::Mail));
    config.set_endpoint_url(aws.endpoint("SESV2"));
    let client = aws_sdk_sesv2::Client::from_conf(config.build());
    connect!(client.get_account(), aws_sdk_sesv2);
    Arc::new(SesMailer { client, from: from.to_owned() })
}

#[async_trait]
impl Mailer for SesMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let utf8 = |text: &str| {
            let content = Content::builder().data(text).charset("UTF-8").build();
            content.map_err(|error| MailError(error.to_string()))
        };
        let html = mail.html.as_deref().map(utf8).transpose()?;
        let body = Body::builder().text(utf8(&mail.text)?).set_html(html).build();
        let message = Message::builder().subject(utf8(&mail.subject)?).body(body).build();
        self.client
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(&mail.to).build())
            .content(EmailContent::builder().simple(message).build())
            .send()
            .await
            .map(drop)
            .map_err(|error| {
                // Without SES's own words, which can name who the mail is to.
                let (code, kind) = describe(&error);
                MailError(code.unwrap_or(kind))
            })
    }
}
