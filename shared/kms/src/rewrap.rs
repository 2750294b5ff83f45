//! Wrapping keys again, from one KMS key to another.

use async_trait::async_trait;
use aws_sdk_kms::operation::re_encrypt::ReEncryptError;
use aws_sdk_kms::primitives::Blob;
use crypto::Sealed;
use crypto::envelope::KeyContext;
use lambda::Aws;
use store::KeyError;
use store::rewrap::Rewrap;

/// From one KMS key to another. KMS does it, and no key is seen here.
pub struct KmsRewrap {
    client: aws_sdk_kms::Client,
    from: String,
    to: String,
}

impl KmsRewrap {
    /// From one key to another, by their ARNs.
    #[must_use]
    pub fn new(aws: &Aws, from: String, to: String) -> Self {
        Self { client: crate::client(aws), from, to }
    }
}

#[async_trait]
impl Rewrap for KmsRewrap {
    async fn rewrap(&self, context: &KeyContext, wrapped: &Sealed) -> Result<Option<Sealed>, KeyError> {
        // The key that it is wrapped under is not named, because that may be either.
        let done = self
            .client
            .re_encrypt()
            .ciphertext_blob(Blob::new(wrapped.as_bytes()))
            .set_source_encryption_context(Some(crate::pairs(context)))
            .destination_key_id(&self.to)
            .set_destination_encryption_context(Some(crate::pairs(context)))
            .send()
            .await
            .map_err(|error| match error.as_service_error() {
                Some(ReEncryptError::InvalidCiphertextException(_)) => KeyError::Damaged,
                _ => crate::unavailable(&error),
            })?;
        match done.source_key_id() {
            Some(key) if key == self.to => Ok(None),
            Some(key) if key == self.from => {
                let blob = done.ciphertext_blob.ok_or_else(crate::without_key)?;
                Ok(Some(Sealed::from_bytes(blob.into_inner())))
            }
            _ => Err(KeyError::Damaged),
        }
    }
}
