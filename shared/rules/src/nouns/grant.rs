//! Grants: which machine may read which secret.

use protocol::{MachineId, ProjectId, SecretId};
use serde::{Deserialize, Serialize};

use crate::Time;

/// One machine may read one secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The machine.
    pub machine: MachineId,
    /// The secret's project.
    pub project: ProjectId,
    /// The secret.
    pub secret: SecretId,
    /// The version last delivered to this machine, for poll.
    pub delivered: Option<u64>,
    /// When the machine last read the secret, as the audit log tells; some moments behind.
    pub last_read_at: Option<Time>,
    /// When it was given.
    pub granted_at: Time,
}

impl Grant {
    /// One that was not used yet.
    #[must_use]
    pub fn new(machine: MachineId, project: ProjectId, secret: SecretId, granted_at: Time) -> Self {
        Self { machine, project, secret, delivered: None, last_read_at: None, granted_at }
    }
}
