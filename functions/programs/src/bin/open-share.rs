//! `open-share` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("open-share").http(async |start| {
        let base = start.base();
        let values = start.values();
        let keys = start.keys(kms::open).await?;
        Ok(functions::open_share::routes(base, values, keys))
    })
}
