//! Wrapping all keys again, under another server key: after a restore elsewhere, or when the server key has to go.
//!
//! Only who operates the deployment does this, while it is stopped. No value and no data key is touched. It can be cut off
//! anywhere and begun again: what is wrapped under the new key already is left as it is, and a vault's own key comes last,
//! with the record in the vault's log.

use std::fmt::Display;

use async_trait::async_trait;
use crypto::Sealed;
use crypto::envelope::KeyContext;
use rules::Time;
use rules::audit::{Action, ActorKind, Origin};
use rules::plan::Plans;

use crate::{Change, CommitError, KeyError, Lists, Row, StoreError, project, share, vault, webhook};

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
                if let Some(new) = wrapped_again(by, &context, &project.master_key, &project.id).await? {
                    let change = project::row(project.id).change().set(project::MASTER_KEY, &new);
                    self.change_key(change.only_if(project::MASTER_KEY.is(&project.master_key))).await?;
                    done.keys += 1;
                }
                let Some(shared) = self.get(&share::key(project.id)).await? else { continue };
                let context = KeyContext::Share(vault.id, project.id);
                if let Some(new) = wrapped_again(by, &context, &shared.key, &project.id).await? {
                    let change = share::key(project.id).change().set(share::of_key::KEY, &new);
                    self.change_key(change.only_if(share::of_key::KEY.is(&shared.key))).await?;
                    done.keys += 1;
                }
            }
            if let Some(webhooks) = self.get(&webhook::key(vault.id)).await? {
                let context = KeyContext::Webhook(vault.id);
                if let Some(new) = wrapped_again(by, &context, &webhooks.key, &vault.id).await? {
                    let change = webhook::key(vault.id).change().set(webhook::of_key::KEY, &new);
                    self.change_key(change.only_if(webhook::of_key::KEY.is(&webhooks.key))).await?;
                    done.keys += 1;
                }
            }
            let context = KeyContext::Vault(vault.id);
            if let Some(new) = wrapped_again(by, &context, &vault.key, &vault.id).await? {
                done.keys += 1;
                done.vaults += 1;
                // Who operates has no configuration of plans at hand; the vault's own setting counts.
                let origin = Origin::of(&vault, &Plans::default(), ActorKind::System, None, now);
                let detail = format!("{} keys wrapped under another server key", done.keys - keys);
                let mut write = self.transaction();
                write.change(vault::row(vault.id).change().set(vault::KEY, &new).only_if(vault::KEY.is(&vault.key)));
                write.record(&origin.entry(Action::KeysRewrap, detail));
                write.commit().await?;
            }
        }
        if let Some(deployment) = self.get(&webhook::deployment_key()).await?
            && let Some(new) = wrapped_again(by, &KeyContext::Signing, &deployment.key, &"the deployment").await?
        {
            let change = webhook::deployment_key().change().set(webhook::of_deployment::KEY, &new);
            self.change_key(change.only_if(webhook::of_deployment::KEY.is(&deployment.key))).await?;
            done.keys += 1;
        }
        Ok(done)
    }

    async fn change_key<R: Row>(&self, change: Change<R>) -> Result<(), CommitError> {
        let mut write = self.transaction();
        write.change(change);
        write.commit().await
    }
}

/// The key of this project or vault under the new server key; nothing when it is already.
async fn wrapped_again(
    by: &dyn Rewrap,
    context: &KeyContext,
    wrapped: &Sealed,
    of: &dyn Display,
) -> Result<Option<Sealed>, RewrapError> {
    by.rewrap(context, wrapped).await.map_err(|error| RewrapError::Key(of.to_string(), error))
}
