//! A person's session.

use std::net::IpAddr;

use crypto::TokenHash;
use protocol::UserId;
use serde::{Deserialize, Serialize};

use super::SecondFactor;
use crate::Time;

protocol::uuid_id!(
    /// A person's session, as shown in lists. Not the cookie.
    SessionId, "session id"
);

/// A person's session.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id, as shown in lists.
    pub id: SessionId,
    /// SHA-256 of the cookie's token.
    pub hash: TokenHash,
    /// Whose it is.
    pub user: UserId,
    /// Address it was made from.
    pub address: IpAddr,
    /// The browser's own description of itself.
    pub user_agent: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it was last used, to the nearest few minutes.
    pub last_used_at: Time,
    /// When the person last showed who they are: with a password, or, where there is a second factor, with a code or a
    /// passkey.
    pub proved_at: Option<Time>,
}

impl Session {
    /// How long that counts as just now, in seconds.
    pub const PROVED_SECONDS: u64 = 300;
    /// A session unused for this long has ended, in seconds (12 hours).
    pub const IDLE_SECONDS: u64 = 12 * 3_600;
    /// A session this old has ended, in seconds (7 days).
    pub const TOTAL_SECONDS: u64 = 7 * 86_400;
    /// Use is written down at most this often, in seconds.
    pub const TOUCH_SECONDS: u64 = 300;

    /// Until when the person counts as having shown just now who they are, if they do.
    pub fn fresh_until(&self, now: Time) -> Option<Time> {
        self.proved_at.map(|at| at.plus_seconds(Self::PROVED_SECONDS)).filter(|until| *until > now)
    }

    /// Whether the person has just shown this second factor: what they showed before they had it was a password.
    pub fn has_shown(&self, factor: &SecondFactor, now: Time) -> bool {
        self.fresh_until(now).is_some() && self.proved_at > factor.confirmed_at
    }

    /// When the session ends if it is not used again.
    pub fn ends_at(&self) -> Time {
        let idle = self.last_used_at.plus_seconds(Self::IDLE_SECONDS);
        idle.min(self.created_at.plus_seconds(Self::TOTAL_SECONDS))
    }
}
