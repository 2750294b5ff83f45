//! `rotate-due` on AWS Lambda.

use std::process::ExitCode;

use functions::rotate_due::RotateDue;

fn main() -> ExitCode {
    lambda::Function::named("rotate-due").schedule(async |start| {
        let rotations = RotateDue::new(start.base(), start.seal().await?);
        Ok(move || {
            let rotations = rotations.clone();
            async move { rotations.run().await }
        })
    })
}
