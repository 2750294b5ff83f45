//! `manage-projects` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-projects")
        .http(async |start| Ok(manage_projects::routes(start.base(), start.keys(kms::open).await?.maker())))
}
