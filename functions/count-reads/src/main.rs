//! `count-reads` on AWS Lambda.

use std::process::ExitCode;

use count_reads::CountReads;

fn main() -> ExitCode {
    lambda::Function::named("count-reads").answer_stream(|services| {
        let counts = CountReads::new(services);
        Box::new(move |records| {
            let counts = counts.clone();
            Box::pin(async move { counts.run(&records).await })
        })
    })
}
