//! An access policy: conditions that reads of the secrets bound to it have to meet besides.

use protocol::{ProjectId, SecretId, VaultId};
use serde::{Deserialize, Serialize};

use crate::Time;
use crate::owned::Owned;
use crate::policies::Axes;

protocol::prefixed_id!(
    /// A policy.
    PolicyId, "pol_", "policy id"
);

/// Most policies in a project.
pub const POLICIES: usize = 200;

/// A policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// The vault it is in; never changes.
    pub vault: VaultId,
    /// The project it is in; never changes.
    pub project: ProjectId,
    /// Its name.
    pub name: String,
    /// A text for people.
    pub description: Option<String>,
    /// What it says.
    pub axes: Axes,
    /// How many secrets are bound to it.
    pub bound: u64,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// A secret that is bound to a policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// The policy.
    pub policy: PolicyId,
    /// The secret, which is in the policy's project.
    pub secret: SecretId,
}

impl Owned for Policy {
    const NAME: &'static str = "Policy";

    fn vault(&self) -> VaultId {
        self.vault
    }

    fn project(&self) -> Option<ProjectId> {
        Some(self.project)
    }
}
