//! Other functions, reached by invoking them.

use async_trait::async_trait;
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use edge::seal::{self, Carrier, Remote, Reply, Seal};
use edge::{Clock, Courier, DeliveryRequest, Error, MailQueue, MailRequest};
use rules::nouns::WebhookId;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::clients::{self, Aws};

/// Most webhooks that one message names. Lambda takes 256 KB.
const WOKEN_AT_ONCE: usize = 1_000;

/// Carries messages by invoking a function and waiting for its answer.
struct Invoke {
    client: aws_sdk_lambda::Client,
    function: String,
}

/// `seal-secret` as a function of this name, with a connection to it.
pub(crate) async fn seal_by_invoking(aws: &Aws, function: String, clock: Clock) -> Seal {
    Seal::by(Remote::by(Invoke::of(aws, function).await, clock))
}

#[async_trait]
impl Carrier for Invoke {
    async fn carry(&self, message: Zeroizing<Vec<u8>>) -> Result<Vec<u8>, Error> {
        let invoked =
            self.client.invoke().function_name(&self.function).payload(Blob::new(message.as_slice())).send().await;
        let answer = invoked.map_err(|error| {
            let (_, reason) = dynamodb::describe(&error);
            let inside = format!("seal-secret: {reason}");
            match error {
                // It was not run, or refused before it was.
                SdkError::ServiceError(_) | SdkError::ConstructionFailure(_) => {
                    Error::unavailable("Values cannot be written now, try again later").inside(inside)
                }
                _ => seal::unknown(inside),
            }
        })?;
        if let Some(kind) = answer.function_error {
            // Its own log has the reason; its answer is not one of ours.
            return Err(seal::unknown(format!("seal-secret broke off: {kind}")));
        }
        Ok(answer.payload.map(Blob::into_inner).unwrap_or_default())
    }
}

impl Invoke {
    /// The function of this name, with a connection to it.
    async fn of(aws: &Aws, function: String) -> Self {
        let client = aws.lambda();
        clients::connect_lambda(&client).await;
        Self { client, function }
    }

    /// Hands a message over and waits for nothing: Lambda keeps it, and tries again when the function fails. An error is for the
    /// log.
    async fn later(&self, message: &impl Serialize) -> Result<(), String> {
        let payload = serde_json::to_vec(message).map_err(|error| error.to_string())?;
        let invocation = self.client.invoke().function_name(&self.function).invocation_type(InvocationType::Event);
        let taken = invocation.payload(Blob::new(payload)).send().await;
        taken.map(drop).map_err(|error| format!("{}: {}", self.function, dynamodb::describe(&error).1))
    }
}

/// `send-mail` as a function of this name.
struct SendMail(Invoke);

/// `send-mail` as a function of this name, with a connection to it.
pub(crate) async fn mail_by_invoking(aws: &Aws, function: String) -> impl MailQueue + use<> {
    SendMail(Invoke::of(aws, function).await)
}

#[async_trait]
impl MailQueue for SendMail {
    async fn push(&self, request: MailRequest) -> Result<(), Error> {
        let unavailable = |inside| Error::unavailable("No mail can be sent now, try again later").inside(inside);
        self.0.later(&request).await.map_err(unavailable)
    }
}

/// `deliver-webhooks` as a function of this name.
struct DeliverWebhooks(Invoke);

/// `deliver-webhooks` as a function of this name, with a connection to it.
pub(crate) async fn courier_by_invoking(aws: &Aws, function: String) -> impl Courier + use<> {
    DeliverWebhooks(Invoke::of(aws, function).await)
}

#[async_trait]
impl Courier for DeliverWebhooks {
    async fn check(&self, url: &str) -> Result<(), Error> {
        let unavailable =
            |inside| Error::unavailable("No address can be looked at now, try again later").inside(inside);
        let request = DeliveryRequest::Check { url: url.to_owned() };
        let message = serde_json::to_vec(&request).map_err(|error| Error::internal(error.to_string()))?;
        let Invoke { client, function } = &self.0;
        let invoked = client.invoke().function_name(function).payload(Blob::new(message)).send().await;
        let answer = invoked.map_err(|error| unavailable(dynamodb::describe(&error).1))?;
        if let Some(kind) = answer.function_error {
            return Err(unavailable(format!("deliver-webhooks broke off: {kind}")));
        }
        let answer = answer.payload.map(Blob::into_inner).unwrap_or_default();
        let reply: Reply = serde_json::from_slice(&answer)
            .map_err(|error| Error::internal(format!("deliver-webhooks gave no reply: {error}")))?;
        Result::from(reply).map(drop)
    }

    async fn wake(&self, webhooks: Vec<WebhookId>) {
        for some in webhooks.chunks(WOKEN_AT_ONCE) {
            if let Err(error) = self.0.later(&DeliveryRequest::Now { webhooks: some.to_vec() }).await {
                tracing::warn!(%error, "deliveries wait for the schedule");
            }
        }
    }
}
