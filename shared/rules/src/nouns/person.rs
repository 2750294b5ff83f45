//! A person.

use protocol::{UserId, VaultId};
use serde::{Deserialize, Serialize};

use super::Session;
use crate::Time;

/// A person.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their address, lower-case.
    pub email: String,
    /// Their name.
    pub username: String,
    /// Argon2id, PHC text.
    pub password_hash: String,
    /// Their personal vault.
    pub vault: VaultId,
    /// When the account was made.
    pub created_at: Time,
    /// When they showed that the address is theirs.
    pub email_verified_at: Option<Time>,
    /// Sessions made before have ended: when the password was last set.
    pub sessions_since: Option<Time>,
}

impl User {
    /// Whether a session of theirs has not ended.
    pub fn has(&self, session: &Session, now: Time) -> bool {
        session.user == self.id
            && session.ends_at() > now
            && self.sessions_since.is_none_or(|since| session.created_at >= since)
    }
}

crate::owned::owned!(User "Person");
