//! `manage-machines` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-machines").answer_http_sealing(manage_machines::routes)
}
