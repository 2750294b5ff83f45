//! `list-secrets` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("list-secrets").http(async |start| {
        let base = start.base();
        Ok(functions::list_secrets::routes(base))
    })
}
