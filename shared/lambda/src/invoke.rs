//! Other functions, reached by invoking them.

use async_trait::async_trait;
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use edge::seal::{self, Carrier, Remote, Seal};
use edge::{Clock, Error, MailQueue, MailRequest};
use zeroize::Zeroizing;

use crate::clients::{self, Aws};

/// Carries messages by invoking a function and waiting for its answer.
struct Invoke {
    client: aws_sdk_lambda::Client,
    function: String,
}

/// `seal-secret` as a function of this name, with a connection to it.
pub(crate) async fn seal_by_invoking(aws: &Aws, function: String, clock: Clock) -> Seal {
    let client = aws.lambda();
    clients::connect_lambda(&client).await;
    Seal::by(Remote::by(Invoke { client, function }, clock))
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

/// Hands requests for mail to a function of this name; Lambda keeps them and tries again when it fails.
struct InvokeLater(Invoke);

/// `send-mail` as a function of this name, with a connection to it.
pub(crate) async fn mail_by_invoking(aws: &Aws, function: String) -> impl MailQueue + use<> {
    let client = aws.lambda();
    clients::connect_lambda(&client).await;
    InvokeLater(Invoke { client, function })
}

#[async_trait]
impl MailQueue for InvokeLater {
    async fn push(&self, request: MailRequest) -> Result<(), Error> {
        let unavailable = |inside| Error::unavailable("No mail can be sent now, try again later").inside(inside);
        let payload = serde_json::to_vec(&request).map_err(|error| Error::internal(error.to_string()))?;
        let Invoke { client, function } = &self.0;
        let invocation = client.invoke().function_name(function).invocation_type(InvocationType::Event);
        let taken = invocation.payload(Blob::new(payload)).send().await;
        taken.map(drop).map_err(|error| unavailable(format!("send-mail: {}", dynamodb::describe(&error).1)))
    }
}
