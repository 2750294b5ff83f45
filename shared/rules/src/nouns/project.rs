//! A project: secrets and machines of one logical environment.

use crypto::Sealed;
use protocol::{ProjectId, VaultId};
use serde::{Deserialize, Serialize};

use crate::Time;
use crate::names::UniqueName;
use crate::owned::Owned;

/// Most characters in a project's name.
pub const PROJECT_NAME: usize = 100;

/// Secrets and machines of one logical environment, under a key of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// The vault it is in; never changes.
    pub vault: VaultId,
    /// Its name.
    pub name: String,
    /// A text for people.
    pub description: Option<String>,
    /// The project's master key, wrapped by the server key layer.
    pub master_key: Sealed,
    /// Set while the project is frozen: no machine reads from it.
    pub frozen: Option<Freeze>,
    /// When it was made.
    pub created_at: Time,
    /// When its name or description last changed.
    pub updated_at: Time,
}

impl Project {
    /// Its name, which it alone has in its vault.
    #[must_use]
    pub fn unique_name(&self) -> ProjectName {
        ProjectName { vault: self.vault, name: UniqueName::of(&self.name), project: self.id }
    }
}

impl Owned for Project {
    const NAME: &'static str = "Project";

    fn vault(&self) -> VaultId {
        self.vault
    }

    fn project(&self) -> Option<ProjectId> {
        Some(self.id)
    }
}

/// The name of a vault's project, which no other project of the vault has.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectName {
    /// The vault.
    pub vault: VaultId,
    /// The name as it is compared.
    pub name: UniqueName,
    /// Whose it is.
    pub project: ProjectId,
}

impl Owned for ProjectName {
    const NAME: &'static str = "Project";

    fn vault(&self) -> VaultId {
        self.vault
    }

    fn project(&self) -> Option<ProjectId> {
        Some(self.project)
    }
}

/// Since when and why a project is frozen.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Freeze {
    /// Since when.
    pub at: Time,
    /// Why, as given.
    pub reason: Option<String>,
}
