//! `account-mail` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("account-mail").using_keys(kms::open).answer_http_mailing(account_mail::routes)
}
