//! `manage-shares` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-shares").http(async |start| {
        let base = start.base();
        let seal = start.seal().await?;
        Ok(functions::manage_shares::routes(base, seal))
    })
}
