//! `account` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("account")
        .http(async |start| Ok(account::routes(start.base(), start.keys(kms::open).await?)))
}
