//! `manage-secrets` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-secrets")
        .http(async |start| Ok(manage_secrets::routes(start.base(), start.seal().await?)))
}
