//! `seal-secret` on AWS Lambda.

use std::process::ExitCode;

use functions::seal_secret::SealSecret;

fn main() -> ExitCode {
    lambda::Function::named("seal-secret").sealing(async |start| {
        let keys = start.project_keys(kms::open).await?;
        Ok(SealSecret::new(start.base(), start.values(), keys))
    })
}
