//! `account-mail` on AWS Lambda. Made from infra/system.toml by `tests/template/run --write`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("account-mail").http(async |start| {
        let base = start.base();
        let keys = start.keys(kms::open).await?.maker();
        let mail = start.mail().await?;
        Ok(functions::account_mail::routes(base, keys, mail))
    })
}
