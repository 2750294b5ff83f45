//! `enroll-machine` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("enroll-machine").http(async |start| {
        let base = start.base();
        Ok(functions::enroll_machine::routes(base))
    })
}
