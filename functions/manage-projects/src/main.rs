//! `manage-projects` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-projects").using_keys(kms::open).answer_http(manage_projects::routes)
}
