//! `sweep-expired` on AWS Lambda.

use std::process::ExitCode;

use functions::sweep_expired::Sweep;

fn main() -> ExitCode {
    lambda::Function::named("sweep-expired").schedule(async |start| {
        let sweep = Sweep::new(start.base(), start.seal().await?, start.mail().await?);
        Ok(move || {
            let sweep = sweep.clone();
            async move { sweep.run().await }
        })
    })
}
