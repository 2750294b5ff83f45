//! `bootstrap-agent` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("bootstrap-agent").answer_http(bootstrap_agent::routes)
}
