//! `manage-machines` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-machines").http(async |start| Ok(manage_machines::routes(start.base())))
}
