//! `poll-secrets` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("poll-secrets").http(async |start| {
        let base = start.base();
        Ok(functions::poll_secrets::routes(base))
    })
}
