//! Rows that a principal names, held to the vault it acts in and to the projects it may see. What is elsewhere is answered
//! as if missing.

use protocol::{MachineId, ProjectId, SecretId};
use store::{Batch, Store, vaults};
use vault::model::{Machine, Project, Secret};

use crate::{Error, Principal};

/// A project of its vault that it may see, else 404.
pub async fn project(store: &Store, by: &Principal, id: ProjectId) -> Result<Project, Error> {
    let found = if by.reaches(id) { store.get(&vaults::project(id)).await? } else { None };
    found.filter(|project| project.vault == by.vault).ok_or_else(|| Error::not_found("Project"))
}

/// A project and a secret of it that is not in the trash, else 404.
pub async fn secret(
    store: &Store,
    by: &Principal,
    project: ProjectId,
    id: SecretId,
) -> Result<(Project, Secret), Error> {
    let (project, secret) = any_secret(store, by, project, id).await?;
    if secret.deleted_at.is_some() { Err(Error::not_found("Secret")) } else { Ok((project, secret)) }
}

/// The same, in the trash or not.
async fn any_secret(
    store: &Store,
    by: &Principal,
    in_project: ProjectId,
    id: SecretId,
) -> Result<(Project, Secret), Error> {
    let (project_key, secret_key) = (vaults::project(in_project), vaults::secret(id));
    let mut batch = Batch::new();
    batch.want(&project_key);
    batch.want(&secret_key);
    let mut fetched = store.fetch(batch).await?;
    let project = fetched.take(&project_key)?.filter(|project| project.vault == by.vault && by.reaches(in_project));
    let project = project.ok_or_else(|| Error::not_found("Project"))?;
    let secret = fetched.take(&secret_key)?.filter(|secret| secret.vault == by.vault && secret.project == in_project);
    Ok((project, secret.ok_or_else(|| Error::not_found("Secret"))?))
}

/// A secret in the trash and its project, by the secret's id alone; else 404.
pub async fn trashed(store: &Store, by: &Principal, id: SecretId) -> Result<(Project, Secret), Error> {
    let not_found = || Error::not_found("Secret");
    let found = store.get(&vaults::secret(id)).await?.ok_or_else(not_found)?;
    let (project, secret) = any_secret(store, by, found.project, id).await.map_err(|error| {
        // That its project is hidden or gone is nobody's business.
        if error.status() == http::StatusCode::NOT_FOUND { not_found() } else { error }
    })?;
    if secret.deleted_at.is_some() { Ok((project, secret)) } else { Err(not_found()) }
}

/// A machine of its vault, else 404.
pub async fn machine(store: &Store, by: &Principal, id: MachineId) -> Result<Machine, Error> {
    let found = store.get(&vaults::machine(id)).await?;
    found.filter(|machine| machine.vault == by.vault).ok_or_else(|| Error::not_found("Machine"))
}
