//! `manage-notifications` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-notifications").http(async |start| {
        let base = start.base();
        let seal = start.seal().await?;
        Ok(functions::manage_notifications::routes(base, seal))
    })
}
