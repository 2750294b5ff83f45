//! Mail: an outbox that tests look into and can take away, and the way of requests to `send-mail`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use edge::{Error, MailQueue, MailRequest};
use functions::send_mail::SendMail;
use local::outbox::Outbox;
use store::{Mail, MailError, Mailer};

use crate::rights;

/// An outbox with a switch.
#[derive(Default)]
pub struct TestMail {
    outbox: Outbox,
    down: AtomicBool,
}

impl TestMail {
    /// Lets no mail be taken, or again.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// What was sent, newest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.outbox.mails()
    }

    /// The token of the link in the newest mail.
    pub fn token(&self) -> String {
        let mails = self.mails();
        let text = &mails.first().expect("a mail").text;
        let link = text.lines().find(|line| line.contains('#')).expect("a link");
        link.split_once('#').unwrap().1.to_owned()
    }
}

#[async_trait]
impl Mailer for TestMail {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        rights::mail("send-mail");
        if self.down.load(Ordering::SeqCst) {
            return Err(MailError("taken away by a test".to_owned()));
        }
        self.outbox.send(mail).await
    }
}

/// Requests of a function, made and read as if `send-mail` were another process. As on AWS, who asks learns nothing of
/// what becomes of them.
pub(crate) struct Requests {
    pub(crate) from: &'static str,
    pub(crate) to: SendMail,
}

#[async_trait]
impl MailQueue for Requests {
    async fn push(&self, request: MailRequest) -> Result<(), Error> {
        rights::invocation(self.from, "send-mail");
        let message = serde_json::to_vec(&request).unwrap();
        let _ = self.to.send(&serde_json::from_slice(&message).unwrap()).await;
        Ok(())
    }
}

/// `send-mail` and the way to it.
pub(crate) fn queue(from: &'static str, base: &edge::Base, mail: Arc<TestMail>) -> Arc<dyn MailQueue> {
    Arc::new(Requests { from, to: SendMail::new(base, mail) })
}
