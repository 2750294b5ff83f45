//! `manage-machines` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-machines").answer_http(manage_machines::routes)
}
