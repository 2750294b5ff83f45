//! `enroll-machine` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("enroll-machine").answer_http(enroll_machine::routes)
}
