//! `export-secrets` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("export-secrets").opening_projects(kms::open).answer_http(export_secrets::routes)
}
