//! `manage-support` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-support").http(async |start| {
        let base = start.base();
        Ok(functions::manage_support::routes(base))
    })
}
