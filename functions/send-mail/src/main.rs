//! `send-mail` on AWS Lambda.

use std::process::ExitCode;

use send_mail::SendMail;

fn main() -> ExitCode {
    lambda::Function::named("send-mail").answer_mail_requests(|services, mailer| {
        let sender = SendMail::new(services, mailer);
        Box::new(move |request| {
            let sender = sender.clone();
            Box::pin(async move { sender.send(&request).await })
        })
    })
}
