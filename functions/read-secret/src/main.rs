//! `read-secret` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("read-secret").opening_projects(kms::open).answer_http(read_secret::routes)
}
