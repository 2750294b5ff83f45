//! `bootstrap-agent` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("bootstrap-agent").http(async |start| Ok(bootstrap_agent::routes(start.base())))
}
