//! `poll-secrets` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("poll-secrets").http(async |start| Ok(poll_secrets::routes(start.base())))
}
