//! What is said of an AWS client's errors.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use store::StoreError;

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

pub(crate) fn failed<E: ProvideErrorMetadata>(error: &SdkError<E>) -> StoreError {
    match error {
        SdkError::ServiceError(error) => {
            StoreError::named(error.err().code().unwrap_or("no code"), error.err().message().unwrap_or_default())
        }
        _ => StoreError::Unavailable(describe(error).1),
    }
}
