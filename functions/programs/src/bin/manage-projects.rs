//! `manage-projects` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("manage-projects").http(async |start| {
        let base = start.base();
        let keys = start.keys(kms::open).await?.maker();
        Ok(functions::manage_projects::routes(base, keys))
    })
}
