//! `download-bundle` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("download-bundle").http(async |start| {
        let base = start.base();
        let keys = start.keys(kms::open).await?;
        Ok(functions::download_bundle::routes(base, keys))
    })
}
