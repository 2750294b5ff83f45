//! `make-bundle` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("make-bundle")
        .http(async |start| Ok(make_bundle::routes(start.base(), start.seal().await?)))
}
