//! `account-mail` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("account-mail").using_keys().answer_http_mailing(account_mail::routes)
}
