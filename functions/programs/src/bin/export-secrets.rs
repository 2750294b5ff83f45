//! `export-secrets` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("export-secrets").http(async |start| {
        let base = start.base();
        let values = start.values();
        let keys = start.project_keys(kms::open).await?;
        Ok(functions::export_secrets::routes(base, values, keys))
    })
}
