//! Earlier names of machines and AI agents.

use serde::{Deserialize, Serialize};

use crate::Time;

/// How many earlier names of a thing are kept, the newest.
pub const RENAMES_KEPT: usize = 100;

/// An earlier name of a machine or an AI agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rename<Id> {
    /// Whose name it was.
    pub of: Id,
    /// The name it had.
    pub from: String,
    /// The name it got.
    pub to: String,
    /// When.
    pub at: Time,
}
