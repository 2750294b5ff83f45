//! What ends by itself.

use crypto::TokenHash;
use protocol::{MachineId, ProjectId, SecretId, VaultId};
use serde::{Deserialize, Serialize};

use crate::Time;
use crate::audit::Action;

/// What the sweep has to end, and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expiry {
    /// When.
    pub at: Time,
    /// What.
    pub of: Expiring,
}

/// A thing that ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiring {
    /// An ephemeral machine: disabled at its end.
    Machine(MachineId),
    /// A bundle nobody fetched: destroyed, and its machine removed.
    Bundle(TokenHash),
    /// A secret that was in the trash for its time: purged.
    Secret(ProjectId, SecretId),
    /// A secret that a policy's TTL ends: purged, if that still holds.
    Ttl(ProjectId, SecretId),
    /// A share link nobody opened: its value is destroyed.
    Share(TokenHash),
    /// An attempt at a share link: recorded, if it was cut off.
    ShareAttempt(TokenHash),
    /// An action whose alert mails were held back: a mail with their number.
    Alert(VaultId, Action),
    /// A project that was deleted: what is left of it goes.
    Project(VaultId, ProjectId),
}
