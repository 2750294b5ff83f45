//! Wrapping all keys again, under another server key: after a restore elsewhere, or when the server key has to go.
//!
//! Only who operates the deployment does this, while it is stopped. No value and no data key is touched. It can be cut off
//! anywhere and begun again: what is wrapped under the new key already is left as it is, and a vault's own key comes last,
//! with the record in the vault's log.

use async_trait::async_trait;
use crypto::Sealed;
use crypto::envelope::KeyContext;
use rules::Time;
use rules::audit::{Action, ActorKind, Origin};

use crate::{CommitError, KeyError, Lists, StoreError, project, vault};

/// Wraps keys again under another server key.
#[async_trait]
pub trait Rewrap: Send + Sync {
    /// The key as it is wrapped under the new server key; nothing when it is already.
    async fn rewrap(&self, context: &KeyContext, wrapped: &Sealed) -> Result<Option<Sealed>, KeyError>;
}

/// What keeps keys from being wrapped again.
#[derive(Debug, thiserror::Error)]
pub enum RewrapError {
    /// A key opens under neither server key, or the key layer did not answer.
    #[error("the key of {0}: {1}")]
    Key(String, KeyError),
    /// The store did not answer, or something else writes to it.
    #[error(transparent)]
    Write(#[from] CommitError),
}

impl From<StoreError> for RewrapError {
    fn from(error: StoreError) -> Self {
        Self::Write(error.into())
    }
}

/// How many keys were wrapped again, and in how many vaults.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Rewrapped {
    pub keys: usize,
    pub vaults: usize,
}

impl Lists {
    /// Wraps the keys of all vaults and projects again, with a record in each vault.
    pub async fn rewrap_all(&self, by: &dyn Rewrap, now: Time) -> Result<Rewrapped, RewrapError> {
        let mut done = Rewrapped::default();
        for entry in self.all(vault::every()).await? {
            let Some(vault) = self.get(&vault::row(entry.vault)).await? else { continue };
            let keys = done.keys;
            for project in self.all(project::of_vault(vault.id)).await? {
                let context = KeyContext::Project(vault.id, project.id);
                let wrapped = by.rewrap(&context, &project.master_key).await;
                if let Some(new) = wrapped.map_err(|error| RewrapError::Key(project.id.to_string(), error))? {
                    let mut write = self.transaction();
                    let change = project::row(project.id).change().set(project::MASTER_KEY, &new);
                    write.change(change.only_if(project::MASTER_KEY.is(&project.master_key)));
                    write.commit().await?;
                    done.keys += 1;
                }
            }
            let wrapped = by.rewrap(&KeyContext::Vault(vault.id), &vault.key).await;
            if let Some(new) = wrapped.map_err(|error| RewrapError::Key(vault.id.to_string(), error))? {
                done.keys += 1;
                done.vaults += 1;
                let (owner, actor) = (vault.owner, ActorKind::System);
                let origin = Origin { vault: vault.id, owner, actor, address: None, at: now };
                let detail = format!("{} keys wrapped under another server key", done.keys - keys);
                let mut write = self.transaction();
                write.change(vault::row(vault.id).change().set(vault::KEY, &new).only_if(vault::KEY.is(&vault.key)));
                write.record(&origin.entry(Action::KeysRewrap, detail));
                write.commit().await?;
            }
        }
        Ok(done)
    }
}
