//! `dashboard` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("dashboard").answer_http(dashboard::routes)
}
