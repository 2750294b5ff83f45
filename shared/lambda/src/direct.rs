//! Events that are not HTTP: messages from other functions, and schedules.

use async_trait::async_trait;
use aws_sdk_lambda::primitives::Blob;
use crypto::Plaintext;
use edge::Error;
use edge::seal::{Carrier, Operation, Remote, Reply, Seal, perform};
use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::clients::{self, Aws};
use crate::start::{Job, Started};

/// Carries messages by invoking a function and waiting for its answer.
struct Invoke {
    client: aws_sdk_lambda::Client,
    function: String,
}

/// `seal-secret` as a function of this name, with a connection to it.
pub(crate) async fn seal_by_invoking(aws: &Aws, function: String) -> impl Seal + use<> {
    let client = aws.lambda();
    clients::connect_lambda(&client).await;
    Remote(Invoke { client, function })
}

#[async_trait]
impl Carrier for Invoke {
    async fn carry(&self, message: Zeroizing<Vec<u8>>) -> Result<Vec<u8>, Error> {
        let invoked =
            self.client.invoke().function_name(&self.function).payload(Blob::new(message.as_slice())).send().await;
        let answer = invoked.map_err(|error| {
            let (_, reason) = store::describe(&error);
            Error::unavailable("Values cannot be written now, try again later").inside(format!("seal-secret: {reason}"))
        })?;
        if let Some(kind) = answer.function_error {
            // Its own log has the reason; its answer is not one of ours.
            return Err(Error::internal(format!("seal-secret broke off: {kind}")));
        }
        Ok(answer.payload.map(Blob::into_inner).unwrap_or_default())
    }
}

pub(crate) async fn answer_sealing(started: &Started, seal: &dyn Seal) -> Result<(), lambda_http::Error> {
    let answer = async |event: LambdaEvent<Operation<Plaintext>>| {
        let (name, id) = (event.payload.name(), event.context.request_id);
        let done = started.telemetry.observe(started.name, name, &id, perform(seal, event.payload)).await;
        Ok::<_, lambda_http::Error>(Reply::from(done))
    };
    lambda_runtime::run(service_fn(answer)).await
}

pub(crate) async fn answer_schedule(started: &Started, job: Job) -> Result<(), lambda_http::Error> {
    let answer = async |event: LambdaEvent<Value>| {
        let id = event.context.request_id;
        let done = started.telemetry.observe(started.name, "schedule", &id, job()).await;
        match done {
            Ok(number) => Ok(json!({ "done": number })),
            Err(error) => Err(lambda_http::Error::from(error.outside().to_owned())),
        }
    };
    lambda_runtime::run(service_fn(answer)).await
}
