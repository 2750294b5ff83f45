//! `sweep-expired` on AWS Lambda.

use std::process::ExitCode;

use sweep_expired::Sweep;

fn main() -> ExitCode {
    lambda::Function::named("sweep-expired").answer_schedule_sealing(|services, seal| {
        let sweep = Sweep::new(services, seal);
        Box::new(move || {
            let sweep = sweep.clone();
            Box::pin(async move { sweep.run().await })
        })
    })
}
