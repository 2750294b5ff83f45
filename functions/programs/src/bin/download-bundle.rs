//! `download-bundle` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("download-bundle")
        .http(async |start| Ok(download_bundle::routes(start.base(), start.keys(kms::open).await?)))
}
