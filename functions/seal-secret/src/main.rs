//! `seal-secret` on AWS Lambda.

use std::process::ExitCode;

fn main() -> ExitCode {
    lambda::Function::named("seal-secret").opening_projects().answer_sealing(seal_secret::SealSecret::new)
}
