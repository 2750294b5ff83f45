//! The tables, in one place: names, keys, indexes.
//!
//! | table | key | index | holds |
//! |---|---|---|---|
//! | vault | `pk`, `sk` | `by-owner`: `ownerPk`, `ownerSk` | vaults, projects, secrets' metadata, machines, grants, tokens |
//! | values | `pk`, `sk` | | encrypted versions |
//! | audit | `pk` | `by-time`: `log`, `order`; `by-secret`: `secret`, `order`; `by-agent`: `agent`, `order` | audit records and nonces |
//! | accounts | `pk`, `sk` | `by-owner` | people and sessions |
//! | agents | `pk`, `sk` | `by-owner` | AI agents and their bootstrap tokens |
//!
//! All bill on demand and expire rows by the attribute `ttl` (epoch seconds).

use super::backend::{Backend, TableName};
use crate::StoreError;

/// One of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Everything about vaults but values.
    Vault,
    /// Encrypted values.
    Values,
    /// Audit records and nonces.
    Audit,
    /// People and sessions.
    Accounts,
    /// AI agents. No function of the machine plane has a right on it.
    Agents,
}

/// The index of what belongs to a vault, project, secret or person.
pub(crate) const BY_OWNER: &str = "by-owner";
/// The index of audit records in order of time.
pub(crate) const BY_TIME: &str = "by-time";
/// The index of what concerns a secret, in order of time. Sparse.
pub(crate) const BY_SECRET: &str = "by-secret";
/// The index of what AI agents did, in order of time. Sparse: other records are not in it.
pub(crate) const BY_AGENT: &str = "by-agent";
/// The attribute that says when a row may be dropped, in epoch seconds.
pub const TTL: &str = "ttl";

/// An index: its name, and the two attributes that are its key.
pub type Index = (&'static str, [&'static str; 2]);

/// A table as it is made: `pk` is its partition key, and all key attributes are texts.
#[derive(Debug)]
pub struct TableSpec {
    /// Its whole name.
    pub name: TableName,
    /// Whether `sk` is its sort key.
    pub has_sort_key: bool,
    /// Its indexes. They hold whole rows.
    pub indexes: &'static [Index],
}

impl TableSpec {
    /// The names of all key attributes, each once.
    #[must_use]
    pub fn key_attributes(&self) -> std::collections::BTreeSet<&'static str> {
        let keys = std::iter::once("pk").chain(self.has_sort_key.then_some("sk"));
        keys.chain(self.indexes.iter().flat_map(|(_, keys)| *keys)).collect()
    }
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 5] = [Self::Vault, Self::Values, Self::Audit, Self::Accounts, Self::Agents];

    /// The table's name, under the deployment's prefix.
    #[must_use]
    pub fn name(self, prefix: &str) -> String {
        let name = match self {
            Self::Vault => "vault",
            Self::Values => "values",
            Self::Audit => "audit",
            Self::Accounts => "accounts",
            Self::Agents => "agents",
        };
        format!("{prefix}-{name}")
    }

    fn spec(self, prefix: &str) -> TableSpec {
        let indexes: &[Index] = match self {
            Self::Vault | Self::Accounts | Self::Agents => &[(BY_OWNER, ["ownerPk", "ownerSk"])],
            Self::Audit => {
                &[(BY_TIME, ["log", "order"]), (BY_SECRET, ["secret", "order"]), (BY_AGENT, ["agent", "order"])]
            }
            Self::Values => &[],
        };
        TableSpec { name: self.name(prefix).into(), has_sort_key: self != Self::Audit, indexes }
    }
}

/// Makes the tables that are not there yet: for local mode and tests. On AWS the template makes them.
pub async fn create_missing(backend: &dyn Backend, prefix: &str) -> Result<(), StoreError> {
    for table in Table::ALL {
        backend.create_table(&table.spec(prefix)).await?;
    }
    Ok(())
}
