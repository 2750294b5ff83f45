//! What can go wrong between us and the store.

use aws_sdk_dynamodb::error::{DisplayErrorContext, SdkError};

/// The store did not do what was asked. Conditions that did not hold are not errors of the store; see
/// [`crate::CommitError`] and [`crate::NonceError`].
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It did not answer, or refused to: worth another try later. The text is for the log.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A row is not what we wrote. The text names the row's kind, never its content.
    #[error("a stored row is damaged: {0}")]
    Damaged(String),
}

impl<E: std::error::Error + Send + Sync + 'static> From<SdkError<E>> for StoreError {
    fn from(error: SdkError<E>) -> Self {
        Self::Unavailable(DisplayErrorContext(&error).to_string())
    }
}
