//! What is left when something was deleted that others hang on: removed in steps that can be cut off anywhere and taken
//! up again. Access ended with the first step, before any of this.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};
use protocol::{ProjectId, VaultId};
use store::Store;
use vault::audit::Record;
use vault::model::Secret;

use crate::Error;
use crate::seal::Seal;

/// Secrets destroyed at the same time.
const AT_ONCE: usize = 16;

/// Destroys a secret: its values and its row with the record of it, then the grants for it. Says whether it was there.
pub async fn remove_secret(
    store: &Store,
    seal: &dyn Seal,
    secret: &Secret,
    record: Option<Record>,
) -> Result<bool, Error> {
    let was_there = seal.destroy(secret.vault, secret.id, record).await?;
    store.drop_grants_of(secret.project, Some(secret.id)).await?;
    Ok(was_there)
}

/// Removes what is left of a project whose own row is gone: its secrets, then grants and memberships.
pub async fn remove_project(
    store: &Store,
    seal: &Arc<dyn Seal>,
    vault: VaultId,
    project: ProjectId,
) -> Result<(), Error> {
    let secrets = store.secrets(project).await?;
    let destroy = |id| {
        let seal = seal.clone();
        async move { seal.destroy(vault, id, None).await.map(drop) }
    };
    stream::iter(secrets.into_iter().map(|secret| destroy(secret.id)))
        .buffer_unordered(AT_ONCE)
        .try_for_each(|()| future::ok(()))
        .await?;
    store.drop_grants_of(project, None).await?;
    Ok(store.drop_members(project).await?)
}
