//! `download-bundle` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("download-bundle").using_keys(kms::open).answer_http(download_bundle::routes)
}
