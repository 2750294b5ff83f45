//! Memberships: which machines are in which projects.

use protocol::{MachineId, ProjectId};
use serde::{Deserialize, Serialize};

use crate::Time;

/// A machine's membership of a project: makes it eligible for grants and nothing more.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// The machine.
    pub machine: MachineId,
    /// The project.
    pub project: ProjectId,
    /// When it was added.
    pub added_at: Time,
}
