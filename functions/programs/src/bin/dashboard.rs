//! `dashboard` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("dashboard").http(async |start| Ok(dashboard::routes(start.base())))
}
