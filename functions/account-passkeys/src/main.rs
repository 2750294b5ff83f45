//! `account-passkeys` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("account-passkeys").answer_http(account_passkeys::routes)
}
