//! Rows that a request names, held to the vault it acts in. What is in another vault is answered as if missing.

use protocol::{MachineId, ProjectId, SecretId, VaultId};
use store::{Store, vaults};
use vault::model::{Machine, Project, Secret};

use crate::Error;

/// A project of this vault, else 404.
pub async fn project(store: &Store, vault: VaultId, id: ProjectId) -> Result<Project, Error> {
    let found = store.get(&vaults::project(id)).await?;
    found.filter(|project| project.vault == vault).ok_or_else(|| Error::not_found("Project"))
}

/// A secret of this vault and project that is not in the trash, else 404.
pub async fn secret(store: &Store, vault: VaultId, project: ProjectId, id: SecretId) -> Result<Secret, Error> {
    let found = store.get(&vaults::secret(id)).await?;
    found
        .filter(|secret| secret.vault == vault && secret.project == project && secret.deleted_at.is_none())
        .ok_or_else(|| Error::not_found("Secret"))
}

/// A machine of this vault, else 404.
pub async fn machine(store: &Store, vault: VaultId, id: MachineId) -> Result<Machine, Error> {
    let found = store.get(&vaults::machine(id)).await?;
    found.filter(|machine| machine.vault == vault).ok_or_else(|| Error::not_found("Machine"))
}
