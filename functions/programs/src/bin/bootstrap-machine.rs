//! `bootstrap-machine` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("bootstrap-machine").http(async |start| {
        let base = start.base();
        Ok(functions::bootstrap_machine::routes(base))
    })
}
