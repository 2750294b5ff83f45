//! `manage-schedules` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-schedules").http(async |start| {
        let base = start.base();
        let seal = start.seal().await?;
        Ok(functions::manage_schedules::routes(base, seal))
    })
}
