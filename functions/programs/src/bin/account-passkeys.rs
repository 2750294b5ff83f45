//! `account-passkeys` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("account-passkeys").http(async |start| {
        let base = start.base();
        let keys = start.keys(kms::open).await?;
        Ok(functions::account_passkeys::routes(base, keys))
    })
}
