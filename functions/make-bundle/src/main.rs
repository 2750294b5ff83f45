//! `make-bundle` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("make-bundle").answer_http_sealing(make_bundle::routes)
}
