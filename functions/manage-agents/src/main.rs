//! `manage-agents` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-agents").answer_http(manage_agents::routes)
}
