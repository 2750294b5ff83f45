//! `follow-audit` on AWS Lambda.

use std::process::ExitCode;

use functions::follow_audit::FollowAudit;
use store::audit::Seen;

fn main() -> ExitCode {
    lambda::Function::named("follow-audit").stream(async |start| {
        let follow = FollowAudit::new(start.base(), start.mail().await?, start.courier().await?);
        Ok(move |seen: Vec<Seen>| {
            let follow = follow.clone();
            async move { follow.run(&seen).await }
        })
    })
}
