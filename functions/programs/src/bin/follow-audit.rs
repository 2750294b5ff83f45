//! `follow-audit` on AWS Lambda.

use std::process::ExitCode;

use functions::follow_audit::FollowAudit;
use rules::audit::Record;

fn main() -> ExitCode {
    lambda::Function::named("follow-audit").stream(async |start| {
        let counts = FollowAudit::new(start.base());
        Ok(move |records: Vec<Record>| {
            let counts = counts.clone();
            async move { counts.run(&records).await }
        })
    })
}
