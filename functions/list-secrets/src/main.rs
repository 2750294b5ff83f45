//! `list-secrets` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("list-secrets").answer_http(list_secrets::routes)
}
