//! What stays of a machine or an AI agent that was removed.

use crypto::PublicKey;
use protocol::{UserId, VaultId};
use serde::{Deserialize, Serialize};

use super::{Agent, Machine};
use crate::Time;

/// What stays of a machine or an AI agent that was removed, so that its requests can still be told from a stranger's: they
/// are refused, recorded, and do not count as guesses.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tombstone<Id> {
    /// Whose it is.
    pub of: Id,
    /// The vault it was in.
    pub vault: VaultId,
    /// The vault's owner, for its records.
    pub owner: UserId,
    /// The key its signatures verify under. It is not called as that of a machine or an agent is: who may leave a tombstone
    /// must not be able to give one of those a key.
    pub key: PublicKey,
    /// When it was removed.
    pub removed_at: Time,
}

/// How long a tombstone stays, in seconds.
const STAYS_SECONDS: u64 = 90 * 86_400;

impl<Id> Tombstone<Id> {
    /// From then on it counts no more.
    pub fn ends_at(&self) -> Time {
        self.removed_at.plus_seconds(STAYS_SECONDS)
    }
}

impl Machine {
    /// What stays of it after its removal.
    #[must_use]
    pub fn tombstone(&self, owner: UserId, removed_at: Time) -> Tombstone<protocol::MachineId> {
        Tombstone { of: self.id, vault: self.vault, owner, key: self.public_key, removed_at }
    }
}

impl Agent {
    /// What stays of it after its removal.
    #[must_use]
    pub fn tombstone(&self, removed_at: Time) -> Tombstone<protocol::AgentId> {
        Tombstone { of: self.id, vault: self.vault, owner: self.owner, key: self.public_key, removed_at }
    }
}
