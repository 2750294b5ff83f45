//! `seal-secret` on AWS Lambda.

use std::process::ExitCode;

use seal_secret::SealSecret;

fn main() -> ExitCode {
    lambda::Function::named("seal-secret")
        .opening_projects(kms::open)
        .answer_sealing(|services| Box::new(SealSecret::new(services)))
}
