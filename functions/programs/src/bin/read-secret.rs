//! `read-secret` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("read-secret").http(async |start| {
        let base = start.base();
        let values = start.values();
        let keys = start.project_keys(kms::open).await?;
        Ok(functions::read_secret::routes(base, values, keys))
    })
}
