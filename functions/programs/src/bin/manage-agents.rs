//! `manage-agents` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-agents").http(async |start| Ok(manage_agents::routes(start.base())))
}
