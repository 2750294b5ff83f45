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

/// When links of one purpose were mailed to a person. Written with each link, only if nobody else has written it since: so a
/// burst of requests sends no more links than single requests do.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentLinks {
    /// Until when each of the last few is good.
    pub until: Vec<Time>,
    /// How often this was written.
    pub written: u64,
}

impl SentLinks {
    /// How many links of one purpose a person can have at a time. A further request sends no mail, so that nobody can fill
    /// another person's mailbox.
    const MOST: usize = 3;

    /// This with one more link, good until then; nothing when there are as many as there may be.
    #[must_use]
    pub fn with(&self, until: Time, now: Time) -> Option<Self> {
        let mut good: Vec<Time> = self.until.iter().copied().filter(|end| *end > now).collect();
        good.push(until);
        (good.len() <= Self::MOST).then(|| Self { until: good, written: self.written + 1 })
    }

    /// This without a link that was good until then and was not sent.
    #[must_use]
    pub fn without(&self, until: Time) -> Self {
        let mut rest = self.until.clone();
        if let Some(at) = rest.iter().position(|end| *end == until) {
            rest.remove(at);
        }
        Self { until: rest, written: self.written + 1 }
    }
}

impl MailedLink {
    /// Whether this person can still use it: the address is still theirs, and a link to set a password was sent after
    /// the last one was set.
    pub fn is_for(&self, user: &User) -> bool {
        let in_time = self.purpose != LinkPurpose::ResetPassword
            || user.sessions_since.is_none_or(|since| self.created_at >= since);
        user.id == self.user && user.email == self.email && in_time
    }
}
