//! `bootstrap-machine` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("bootstrap-machine").answer_http(bootstrap_machine::routes)
}
