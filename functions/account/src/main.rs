//! `account` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("account").using_keys().answer_http(account::routes)
}
