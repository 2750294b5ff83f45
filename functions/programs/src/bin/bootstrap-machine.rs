//! `bootstrap-machine` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("bootstrap-machine").http(async |start| Ok(bootstrap_machine::routes(start.base())))
}
