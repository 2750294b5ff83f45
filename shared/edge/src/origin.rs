//! Who acted in which vault, for records.

use std::net::IpAddr;
use std::sync::Arc;

use protocol::VaultId;
use rules::Time;
use rules::audit::{ActorKind, Origin};
use rules::nouns::Vault;
use store::{Store, StoreError, vault};

use crate::{Base, Config, Error};

/// Makes origins of records, which say how long a vault keeps them.
#[derive(Clone)]
pub struct Origins {
    store: Store,
    config: Arc<Config>,
}

impl Origins {
    /// From the base.
    #[must_use]
    pub fn new(base: &Base) -> Self {
        Self { store: base.store.clone(), config: base.config.clone() }
    }

    /// Somebody who acts in this vault.
    #[must_use]
    pub fn of(&self, vault: &Vault, actor: ActorKind, address: Option<IpAddr>, at: Time) -> Origin {
        Origin::of(vault, &self.config.plans, actor, address, at)
    }

    /// The same in the vault with this id; nothing when there is none.
    pub async fn find(
        &self,
        id: VaultId,
        actor: ActorKind,
        address: Option<IpAddr>,
        at: Time,
    ) -> Result<Option<Origin>, StoreError> {
        let vault = self.store.get(&vault::row(id)).await?;
        Ok(vault.map(|vault| self.of(&vault, actor, address, at)))
    }

    /// The same in a vault that has to be there.
    pub async fn in_vault(
        &self,
        id: VaultId,
        actor: ActorKind,
        address: Option<IpAddr>,
        at: Time,
    ) -> Result<Origin, Error> {
        let found = self.find(id, actor, address, at).await?;
        found.ok_or_else(|| Error::internal("somebody of a vault that is not there"))
    }
}
