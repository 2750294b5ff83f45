//! What can go wrong between us and the store.

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

impl StoreError {
    /// What an error that DynamoDB names means to us. Its own words are for the log.
    #[must_use]
    pub fn named(code: &str, message: &str) -> Self {
        const FOR_GOOD: [&str; 4] =
            ["ValidationException", "AccessDeniedException", "ResourceNotFoundException", "SerializationException"];
        let text = format!("{code}: {message}");
        if FOR_GOOD.contains(&code) { Self::Refused(text) } else { Self::Unavailable(text) }
    }
}
