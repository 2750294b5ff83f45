//! The server key layer on AWS: one KMS key under the keys of projects and vaults.
//!
//! A crate of its own, so that only the functions that use keys are made larger by it.

mod rewrap;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::decrypt::DecryptError;
use aws_sdk_kms::primitives::Blob;
use crypto::Sealed;
use crypto::envelope::KeyContext;
use lambda::{Aws, Counter, Later, connect, describe, retries, timeouts};
use store::key_layer::KeyBytes;
use store::meter::Counted;
use store::{KeyError, KeyLayer};
use zeroize::{Zeroize as _, Zeroizing};

pub use rewrap::KmsRewrap;

fn client(aws: &Aws) -> aws_sdk_kms::Client {
    let mut config = aws_sdk_kms::config::Builder::from(aws.shared())
        .timeout_config(timeouts())
        .retry_config(retries())
        .interceptor(Counter(Counted::KeyCall));
    config.set_endpoint_url(aws.endpoint("KMS"));
    aws_sdk_kms::Client::from_conf(config.build())
}

/// The key layer with the KMS key of this id, and a connection to it.
pub fn open(aws: &Aws, key_id: &str) -> Later<Arc<dyn KeyLayer>> {
    let layer = KmsKeyLayer::new(client(aws), key_id.to_owned());
    Box::pin(async move {
        connect!(layer.client.list_keys(), aws_sdk_kms);
        let layer: Arc<dyn KeyLayer> = Arc::new(layer);
        layer
    })
}

/// AWS KMS.
pub struct KmsKeyLayer {
    client: aws_sdk_kms::Client,
    key_id: String,
}

impl KmsKeyLayer {
    /// A KMS key by id, ARN or alias.
    #[must_use]
    pub fn new(client: aws_sdk_kms::Client, key_id: String) -> Self {
        Self { client, key_id }
    }
}

fn pairs(context: &KeyContext) -> HashMap<String, String> {
    context.pairs().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn without_key() -> KeyError {
    KeyError::Unavailable("KMS answered without a key".to_owned())
}

fn unavailable<E: ProvideErrorMetadata>(error: &SdkError<E>) -> KeyError {
    KeyError::Unavailable(describe(error).1)
}

#[async_trait]
impl KeyLayer for KmsKeyLayer {
    async fn make_wrapped(&self, context: &KeyContext) -> Result<Sealed, KeyError> {
        let made = self
            .client
            .generate_data_key_without_plaintext()
            .key_id(&self.key_id)
            .number_of_bytes(32)
            .set_encryption_context(Some(pairs(context)))
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        let blob = made.ciphertext_blob.ok_or_else(without_key)?;
        Ok(Sealed::from_bytes(blob.into_inner()))
    }

    async fn unwrap(&self, context: &KeyContext, wrapped: &Sealed) -> Result<KeyBytes, KeyError> {
        let opened = self
            .client
            .decrypt()
            .key_id(&self.key_id)
            .ciphertext_blob(Blob::new(wrapped.as_bytes()))
            .set_encryption_context(Some(pairs(context)))
            .send()
            .await
            .map_err(|error| match error.as_service_error() {
                Some(DecryptError::InvalidCiphertextException(_) | DecryptError::IncorrectKeyException(_)) => {
                    KeyError::Damaged
                }
                _ => unavailable(&error),
            })?;
        let mut bytes = opened.plaintext.map(Blob::into_inner).unwrap_or_default();
        let key = bytes.as_slice().try_into().map(Zeroizing::new).map_err(|_| KeyError::Damaged);
        bytes.zeroize();
        key
    }
}
