//! `operator` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("operator").http(async |start| {
        let base = start.base();
        Ok(functions::operator::routes(base))
    })
}
