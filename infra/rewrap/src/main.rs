//! Wraps the keys of a deployment again, from one KMS key to another. docs/deploy.md says when and how.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use dynamodb::DynamoDb;
use edge::Clock;
use kms::KmsRewrap;
use lambda::Aws;
use store::Store;

/// Wraps all keys of a deployment again, from one KMS key to another, while the deployment is stopped. KMS does it: no key
/// and no value is opened here. What was cut off goes on when it is run again.
///
/// Takes region and credentials from the environment, as `aws configure export-credentials --format env` prints them.
#[derive(Parser)]
#[command(bin_name = "cargo run --locked -p rewrap --")]
struct Arguments {
    /// The deployment's name, with which the names of its tables begin.
    #[arg(long)]
    name: String,
    /// ARN of the KMS key that the keys are wrapped under.
    #[arg(long, value_parser = arn)]
    from: String,
    /// ARN of the KMS key to wrap them under.
    #[arg(long, value_parser = arn)]
    to: String,
}

fn arn(text: &str) -> Result<String, String> {
    let is_key = text.starts_with("arn:") && text.contains(":key/");
    if is_key {
        Ok(text.to_owned())
    } else {
        Err("must be a key's ARN, such as arn:aws:kms:REGION:ACCOUNT:key/ID".into())
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "rewrap: {error}; nothing is lost, run it again");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place of this program that reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn run(Arguments { name, from, to }: Arguments) -> Result<(), Failure> {
    let aws = Aws::from_environment(environment)?;
    let (store, _) = Store::new(Arc::new(DynamoDb::by(aws.dynamodb())), &name);
    let done = store.rewrap_all(&KmsRewrap::new(&aws, from, to.clone()), Clock::System.now()).await?;
    writeln!(std::io::stdout(), "{} keys of {} vaults are now wrapped under {to}", done.keys, done.vaults)?;
    Ok(())
}
