//! `manage-secrets` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-secrets").answer_http_sealing(manage_secrets::routes)
}
