//! `enroll-machine` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("enroll-machine").http(async |start| Ok(enroll_machine::routes(start.base())))
}
