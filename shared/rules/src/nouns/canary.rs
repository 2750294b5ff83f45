//! A canary: a secret that nobody has a reason to read.

use std::collections::BTreeSet;
use std::net::IpAddr;

use protocol::{MachineId, SecretId};
use serde::{Deserialize, Serialize};

use crate::Time;

/// What a canary does when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Canary {
    /// Whether it is armed. One that is not is read like any other secret.
    pub enabled: bool,
    /// Whether a read freezes its project.
    pub freeze_project: bool,
    /// Whether a read freezes the projects that share a machine with its own.
    pub freeze_related: bool,
}

impl Canary {
    /// Whether it does something that this one does not.
    #[must_use]
    pub fn does_more_than(self, other: Self) -> bool {
        (self.enabled && !other.enabled)
            || (self.freeze_project && !other.freeze_project)
            || (self.freeze_related && !other.freeze_related)
    }
}

/// A read of a canary that was armed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trip {
    /// The canary.
    pub secret: SecretId,
    /// Who read it.
    pub machine: MachineId,
    /// From where.
    pub address: Option<IpAddr>,
    /// When.
    pub at: Time,
    /// Whether it froze the canary's project.
    pub froze: bool,
    /// The related projects that it froze.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub related: BTreeSet<String>,
}

impl Trip {
    /// How long it is kept, in days.
    pub const KEPT_DAYS: u64 = 365;
}
