//! Vaults, and the entries of their IP allowlists.

use std::collections::BTreeMap;

use ipnet::IpNet;
use protocol::VaultId;
use rules::nouns::{AllowlistEntry, AllowlistEntryId, Vault};

use crate::List;
use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey};
use crate::engine::table::Table;

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
        STEP_UP_OFF = step_up_off "stepUpOff": bool;
        ALLOWLIST_ENABLED = allowlist_enabled "allowlistEnabled": bool;
        ALLOWLIST = allowlist "allowlist": BTreeMap<AllowlistEntryId, IpNet>;
    }
    AllowlistEntry {
        LABEL = label "label": Option<String>;
    }
}
