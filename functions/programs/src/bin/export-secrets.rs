//! `export-secrets` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("export-secrets").http(async |start| {
        let keys = start.project_keys(kms::open).await?;
        Ok(export_secrets::routes(start.base(), start.values(), keys))
    })
}
