//! `send-mail` on AWS Lambda.

use std::process::ExitCode;

use edge::MailRequest;
use functions::send_mail::SendMail;

fn main() -> ExitCode {
    lambda::Function::named("send-mail").mail_requests(async |start| {
        let mailer = ses::mailer(start.aws(), start.base().config.mail_from.as_deref()).await;
        let sender = SendMail::new(start.base(), mailer);
        Ok(move |request: MailRequest| {
            let sender = sender.clone();
            async move { sender.send(&request).await }
        })
    })
}
