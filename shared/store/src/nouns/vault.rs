//! Vaults, and the entries of their IP allowlists.

use std::collections::BTreeMap;

use crypto::Sealed;
use ipnet::IpNet;
use protocol::VaultId;
use rules::Time;
use rules::nouns::{AllowlistEntry, AllowlistEntryId, Vault};
use serde::{Deserialize, Serialize};

use crate::List;
use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;

/// The partition of the list of all vaults.
const VAULTS: &str = "VAULTS";

/// A vault in the list of all there are, which only who operates the deployment walks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultEntry {
    /// The vault.
    pub vault: VaultId,
    /// When it was made.
    pub created_at: Time,
}

impl From<&Vault> for VaultEntry {
    fn from(vault: &Vault) -> Self {
        Self { vault: vault.id, created_at: vault.created_at }
    }
}

/// All vaults, in the order in which they were made.
#[must_use]
pub fn every() -> List<VaultEntry> {
    List::stored(VAULTS.to_owned(), "VAULT#")
}

/// Key of a vault.
#[must_use]
pub fn row(id: VaultId) -> RowKey<Vault> {
    RowKey::new(format!("VAULT#{id}"), "VAULT")
}

/// The entries of a vault's IP allowlist, in no order that means anything.
#[must_use]
pub fn allowlist_of(vault: VaultId) -> List<AllowlistEntry> {
    List::stored(format!("VAULT#{vault}"), "ALLOW#")
}

/// Key of an IP allowlist entry.
#[must_use]
pub fn allowlist_entry(vault: VaultId, id: AllowlistEntryId) -> RowKey<AllowlistEntry> {
    RowKey::new(format!("VAULT#{vault}"), format!("ALLOW#{id}"))
}

impl Row for Vault {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "vault";
}

impl Put for Vault {
    fn key(&self) -> RowKey<Self> {
        row(self.id)
    }
}

impl Row for VaultEntry {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "vault entry";
}

impl Put for VaultEntry {
    fn key(&self) -> RowKey<Self> {
        RowKey::new(VAULTS, format!("VAULT#{}#{}", sortable(self.created_at), self.vault))
    }
}

impl Row for AllowlistEntry {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "IP allowlist entry";
}

impl Put for AllowlistEntry {
    fn key(&self) -> RowKey<Self> {
        allowlist_entry(self.vault, self.id)
    }
}

attributes! {
    Vault {
        KEY = key "key": Sealed;
        STEP_UP_OFF = step_up_off "stepUpOff": bool;
        AUDIT_RETENTION_DAYS = audit_retention_days "auditRetentionDays": Option<u64>;
        PLAN = plan "plan": Option<String>;
        ALLOWLIST_ENABLED = allowlist_enabled "allowlistEnabled": bool;
        ALLOWLIST = allowlist "allowlist": BTreeMap<AllowlistEntryId, IpNet>;
    }
    AllowlistEntry {
        LABEL = label "label": Option<String>;
    }
}
