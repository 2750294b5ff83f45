//! What can go wrong between us and the store.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// The store did not do what was asked. Conditions that did not hold are not errors of the store; see
/// [`crate::CommitError`] and [`crate::NonceError`].
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It did not answer, or refused to for now: worth another try later. The text is for the log.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It refused a request that it will always refuse: a mistake of ours, or a right that is missing. The text is for
    /// the log.
    #[error("the store refused: {0}")]
    Refused(String),
    /// A row is not what we wrote. The text names the row's kind, never its content.
    #[error("a stored row is damaged: {0}")]
    Damaged(String),
}

/// What an AWS client's error says, without the response it may carry: that can hold rows or keys.
pub fn describe<E: ProvideErrorMetadata>(error: &SdkError<E>) -> (Option<String>, String) {
    let kind = match error {
        SdkError::ServiceError(error) => {
            let (code, message) = (error.err().code().unwrap_or("no code"), error.err().message().unwrap_or_default());
            return (Some(code.to_owned()), format!("{code}: {message}"));
        }
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ResponseError(_) => "an answer that cannot be read",
        SdkError::ConstructionFailure(_) => "a request that cannot be made",
        _ => "an unknown kind of failure",
    };
    (None, kind.to_owned())
}

impl<E: ProvideErrorMetadata> From<SdkError<E>> for StoreError {
    fn from(error: SdkError<E>) -> Self {
        const FOR_GOOD: [&str; 4] =
            ["ValidationException", "AccessDeniedException", "ResourceNotFoundException", "SerializationException"];
        let (code, text) = describe(&error);
        if code.is_some_and(|code| FOR_GOOD.contains(&code.as_str())) {
            Self::Refused(text)
        } else {
            Self::Unavailable(text)
        }
    }
}
