//! `account-passkeys` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("account-passkeys").http(async |start| Ok(account_passkeys::routes(start.base())))
}
