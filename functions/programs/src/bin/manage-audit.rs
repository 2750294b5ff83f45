//! `manage-audit` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-audit").http(async |start| Ok(manage_audit::routes(start.base())))
}
