//! `account` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("account").http(async |start| {
        let base = start.base();
        let keys = start.keys(kms::open).await?;
        Ok(functions::account::routes(base, keys))
    })
}
