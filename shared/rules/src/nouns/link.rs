//! Links that are mailed to a person.

use crypto::TokenHash;
use protocol::UserId;
use serde::{Deserialize, Serialize};

use super::User;
use crate::Time;

/// What a link in a mail is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// Showing that the address is theirs.
    VerifyEmail,
    /// Setting a new password.
    ResetPassword,
}

impl LinkPurpose {
    /// How long such a link is good for, in seconds (decisions 12: 24 hours, 30 minutes).
    pub fn seconds(self) -> u64 {
        match self {
            Self::VerifyEmail => 24 * 3_600,
            Self::ResetPassword => 30 * 60,
        }
    }
}

/// A single-use link that was mailed to a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MailedLink {
    /// SHA-256 of its token.
    pub hash: TokenHash,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// To whom.
    pub user: UserId,
    /// The address it was mailed to.
    pub email: String,
    /// When.
    pub created_at: Time,
    /// From then on it is refused.
    pub expires_at: Time,
}

impl MailedLink {
    /// How many links of one purpose a person can have at a time. A further request sends no mail, so that nobody can fill
    /// another person's mailbox.
    pub const MOST: usize = 3;

    /// Whether this person can still use it: the address is still theirs, and a link to set a password was sent after
    /// the last one was set.
    pub fn is_for(&self, user: &User) -> bool {
        let in_time = self.purpose != LinkPurpose::ResetPassword
            || user.sessions_since.is_none_or(|since| self.created_at >= since);
        user.id == self.user && user.email == self.email && in_time
    }
}
