//! `account` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("account").using_keys(kms::open).answer_http(account::routes)
}
