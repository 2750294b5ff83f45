//! `manage-alerts` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-alerts").http(async |start| {
        let base = start.base();
        let seal = start.seal().await?;
        let courier = start.courier().await?;
        Ok(functions::manage_alerts::routes(base, seal, courier))
    })
}
