//! `read-secret` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("read-secret").http(async |start| {
        let keys = start.project_keys(kms::open).await?;
        Ok(read_secret::routes(start.base(), start.values(), keys))
    })
}
