//! `list-secrets` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("list-secrets").http(async |start| Ok(list_secrets::routes(start.base())))
}
