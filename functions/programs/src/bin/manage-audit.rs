//! `manage-audit` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-audit").http(async |start| {
        let base = start.base();
        Ok(functions::manage_audit::routes(base))
    })
}
