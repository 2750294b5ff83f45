//! `manage-audit` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-audit").answer_http(manage_audit::routes)
}
