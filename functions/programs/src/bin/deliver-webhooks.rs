//! `deliver-webhooks` on AWS Lambda.

use std::process::ExitCode;
use std::sync::Arc;

use edge::DeliveryRequest;
use functions::deliver_webhooks::{DeliverWebhooks, SystemNames};

fn main() -> ExitCode {
    lambda::Function::named("deliver-webhooks").deliveries(async |start| {
        let keys = start.keys(kms::open).await?;
        let deliver = DeliverWebhooks::new(start.base(), keys, Arc::new(SystemNames))?;
        Ok(move |request: DeliveryRequest| {
            let deliver = deliver.clone();
            async move { deliver.answer(&request).await }
        })
    })
}
