//! `sweep-expired` on AWS Lambda.

use std::process::ExitCode;

use sweep_expired::Sweep;

fn main() -> ExitCode {
    lambda::Function::named("sweep-expired").answer_schedule(|services| {
        let sweep = Sweep::new(services);
        Box::new(move || {
            let sweep = sweep.clone();
            Box::pin(async move { sweep.run().await })
        })
    })
}
