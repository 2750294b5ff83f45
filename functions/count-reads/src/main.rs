//! `count-reads` on AWS Lambda.

use std::process::ExitCode;

use count_reads::CountReads;
use vault::audit::Record;

fn main() -> ExitCode {
    lambda::Function::named("count-reads").stream(async |start| {
        let counts = CountReads::new(start.base());
        Ok(move |records: Vec<Record>| {
            let counts = counts.clone();
            async move { counts.run(&records).await }
        })
    })
}
