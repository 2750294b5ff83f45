//! `account-mail` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("account-mail").http(async |start| {
        let (keys, mail) = (start.keys(kms::open).await?.maker(), start.mail().await?);
        Ok(account_mail::routes(start.base(), keys, mail))
    })
}
