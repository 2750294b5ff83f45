//! `send-mail` on AWS Lambda.

use std::process::ExitCode;

use lambda::MailJob;
use send_mail::{SendMail, ses};

fn main() -> ExitCode {
    lambda::Function::named("send-mail").answer_mail_requests(|services, aws| {
        Box::pin(async move {
            let sender = SendMail::new(services, ses::mailer(aws, services.config.mail_from.as_deref()).await);
            let job: MailJob = Box::new(move |request| {
                let sender = sender.clone();
                Box::pin(async move { sender.send(&request).await })
            });
            job
        })
    })
}
