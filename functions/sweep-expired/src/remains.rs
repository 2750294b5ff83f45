//! What is left of a project that was deleted: removed in steps that can be cut off anywhere and taken up again. Access
//! ended with the deletion, before any of this.

use edge::Error;
use edge::seal::{Destroy, Seal};
use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};
use protocol::{ProjectId, VaultId};
use store::{Store, policy, project, secret};

/// Secrets destroyed at the same time.
const AT_ONCE: usize = 16;

/// Removes what is left of a project, whose own row has to be gone: its secrets, then policies,
/// share links, grants and memberships.
pub(crate) async fn remove_project(
    store: &Store,
    seal: &Seal,
    vault: VaultId,
    project: ProjectId,
) -> Result<(), Error> {
    if store.get(&project::row(project)).await?.is_some() {
        // Nothing ends a project but its deletion.
        return Ok(());
    }
    let mut secrets = store.all(secret::of_project(project)).await?;
    let trash = store.all(secret::trash_of(vault)).await?;
    secrets.extend(trash.into_iter().filter(|secret| secret.project == project));
    let destroy = |id| {
        let seal = seal.clone();
        async move { seal.ask(Destroy { vault, secret: id, record: None }).await.map(drop) }
    };
    stream::iter(secrets.into_iter().map(|secret| destroy(secret.id)))
        .buffer_unordered(AT_ONCE)
        .try_for_each(|()| future::ok(()))
        .await?;
    store.delete_all(&store.all(policy::of_project(project)).await?).await?;
    store.drop_share_links(project).await?;
    store.drop_grants_of(project, None).await?;
    Ok(store.drop_members(project).await?)
}
