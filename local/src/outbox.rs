//! Mail in local mode: kept in memory and shown on a page, and sent to nobody. The page's path has a secret in it, which is
//! printed at the start: who can only reach the port must not read links that set passwords.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use axum::extract::State;
use crypto::OneTimeToken;
use edge::answer::{File, Html};
use edge::{Error, MailQueue, MailRequest, Routes};
use functions::send_mail::SendMail;
use http::header;
use store::{Mail, MailError, Mailer};

/// Mails that are kept; older ones are gone.
const KEPT: usize = 100;

/// The mails that would have been sent, newest first. Clones share them.
#[derive(Clone)]
pub struct Outbox {
    mails: Arc<Mutex<VecDeque<Mail>>>,
    path: Arc<str>,
}

impl Default for Outbox {
    fn default() -> Self {
        let path = format!("/outbox/{}", OneTimeToken::make().to_hex());
        Self { mails: Arc::default(), path: path.into() }
    }
}

#[async_trait]
impl Mailer for Outbox {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.push_front(mail.clone());
        mails.truncate(KEPT);
        Ok(())
    }
}

impl Outbox {
    /// What is in it, newest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The page's path, which is a secret.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The page.
    pub fn routes(self) -> Routes {
        let path = self.path.clone();
        Routes::of("local").get(&path, page).with_state(self)
    }
}

async fn page(State(outbox): State<Outbox>) -> File<Html> {
    let mut html = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Outbox · SikkerKey in local mode</title>\n\
         <h1>Outbox</h1>\n<p>Mails that a deployment on AWS would send. The newest is first; a restart empties the page.</p>\n",
    );
    for mail in outbox.mails() {
        let (to, subject) = (escaped(&mail.to), escaped(&mail.subject));
        let _ = write!(html, "<hr>\n<p>To: {to}<br>Subject: {subject}</p>\n<pre>{}</pre>\n", linked(&mail.text));
    }
    File::new(html.into_bytes().into()).with_header(header::CONTENT_SECURITY_POLICY, "default-src 'none'")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A mail's text, its lines that are links made links.
fn linked(text: &str) -> String {
    let line = |line: &str| {
        let line = escaped(line);
        if line.starts_with("http") { format!("<a href=\"{line}\">{line}</a>") } else { line }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// `send-mail` in this process. What goes wrong is logged, as on AWS, and not told to who asked.
pub struct Direct(pub SendMail);

#[async_trait]
impl MailQueue for Direct {
    async fn push(&self, request: MailRequest) -> Result<(), Error> {
        if let Err(error) = self.0.send(&request).await {
            tracing::error!(?error, "a mail was not sent");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    #[tokio::test]
    async fn the_page_shows_mails_and_runs_nothing_in_them() {
        let outbox = Outbox::default();
        for number in 0..=KEPT {
            let text = format!("{number}\nhttp://localhost:8080/verify-email#ab\n<script>\n");
            let mail =
                Mail { to: "a\"b<c>@example.org".to_owned(), subject: "Hello & so".to_owned(), text, html: None };
            outbox.send(&mail).await.unwrap();
        }
        assert_eq!(outbox.mails().len(), KEPT);
        let page = page(State(outbox)).await.into_response();
        let body = axum::body::to_bytes(page.into_body(), usize::MAX).await.unwrap();
        let body = String::from_utf8_lossy(&body);
        let newest = "To: a&quot;b&lt;c&gt;@example.org<br>Subject: Hello &amp; so</p>\n<pre>100\n\
                      <a href=\"http://localhost:8080/verify-email#ab\">http://localhost:8080/verify-email#ab</a>\n\
                      &lt;script&gt;</pre>";
        assert!(body.contains(newest), "{body}");
        assert!(!body.contains("<script>"));
    }
}
