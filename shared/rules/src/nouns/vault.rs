//! A vault, and the address ranges that its machines may come from.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crypto::Sealed;
use ipnet::IpNet;
use protocol::{UserId, VaultId};
use serde::{Deserialize, Serialize};

use crate::Time;
use crate::owned::Owned;

protocol::prefixed_id!(
    /// One entry of a vault's IP allowlist.
    AllowlistEntryId, "ipa_", "allowlist entry id"
);

/// Most entries in a vault's IP allowlist. The list is part of every machine request's facts, so it stays small.
pub const ALLOWLIST_ENTRIES: usize = 200;

/// An account's encrypted storage.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vault {
    /// Its id.
    pub id: VaultId,
    /// The person it belongs to.
    pub owner: UserId,
    /// The vault's own key, wrapped by the server key layer.
    pub key: Sealed,
    /// Whether machine requests are held against [`Vault::allowlist`].
    pub allowlist_enabled: bool,
    /// The allowed ranges. Labels are in rows of their own: this row is part of every machine request.
    pub allowlist: BTreeMap<AllowlistEntryId, IpNet>,
    /// Whether its owner has switched step-up off: nobody is asked again before an act that makes a reader or destroys.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub step_up_off: bool,
    /// How long records of it are kept, in days, if somebody has set that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_retention_days: Option<u64>,
    /// The name of its plan; none is the one without limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// When it was made.
    pub created_at: Time,
}

impl Vault {
    /// Whether the vault's IP allowlist lets this address in. Switched on and empty lets nobody in.
    pub fn allows(&self, address: IpAddr) -> bool {
        !self.allowlist_enabled || self.allowlist.values().any(|range| range.contains(&address))
    }
}

impl Owned for Vault {
    const NAME: &'static str = "Vault";

    fn vault(&self) -> VaultId {
        self.id
    }
}

/// What people are shown of an IP allowlist entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowlistEntry {
    /// Its id.
    pub id: AllowlistEntryId,
    /// The vault.
    pub vault: VaultId,
    /// The range; a single address is a /32 or /128.
    pub cidr: IpNet,
    /// A note for people.
    pub label: Option<String>,
    /// When it was added.
    pub created_at: Time,
}

crate::owned::owned!(AllowlistEntry "Allowlist entry");
