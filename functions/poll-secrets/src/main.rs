//! `poll-secrets` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("poll-secrets").answer_http(poll_secrets::routes)
}
