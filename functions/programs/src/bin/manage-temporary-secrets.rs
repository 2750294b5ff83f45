//! `manage-temporary-secrets` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-temporary-secrets").http(async |start| {
        let base = start.base();
        let seal = start.seal().await?;
        Ok(functions::manage_temporary_secrets::routes(base, seal))
    })
}
