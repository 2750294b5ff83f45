//! `manage-policies` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-policies").http(async |start| {
        let base = start.base();
        Ok(functions::manage_policies::routes(base))
    })
}
