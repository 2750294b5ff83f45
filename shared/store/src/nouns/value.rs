//! The values table. Holding [`Values`] is the right to name its rows.

use crypto::{SealedValue, TokenHash, ValuePlace};
use protocol::{ProjectId, SecretId};
use rules::Time;
use serde::{Deserialize, Serialize};

use super::share::{self, SharedValue};
use crate::engine::row::{Put, Row, RowKey};
use crate::engine::table::Table;

/// One version of a secret's value, sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredValue {
    /// The secret.
    pub secret: SecretId,
    /// Its project.
    pub project: ProjectId,
    /// The version.
    pub version: u64,
    /// The sealed data key and the sealed value.
    #[serde(flatten)]
    pub sealed: SealedValue,
    /// When it was made.
    pub created_at: Time,
}

impl StoredValue {
    /// Where the row says it lives. Opening holds it to that.
    pub fn place(&self) -> ValuePlace {
        ValuePlace { project: self.project, secret: self.secret, version: self.version }
    }
}

/// A stored value in the row of the current version. The same value is also in a row of its version.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CurrentValue(pub StoredValue);

impl Row for StoredValue {
    const TABLE: Table = Table::Values;
    const KIND: &'static str = "value";
}

impl Put for StoredValue {
    fn key(&self) -> RowKey<Self> {
        version(self.secret, self.version)
    }
}

impl Row for CurrentValue {
    const TABLE: Table = Table::Values;
    const KIND: &'static str = "value";
}

impl Put for CurrentValue {
    fn key(&self) -> RowKey<Self> {
        current(self.0.secret)
    }
}

fn version(secret: SecretId, version: u64) -> RowKey<StoredValue> {
    RowKey::new(secret.to_string(), format!("VERSION#{version:010}"))
}

fn current(secret: SecretId) -> RowKey<CurrentValue> {
    RowKey::new(secret.to_string(), "CURRENT")
}

/// The right to name rows of the values table. It comes with the store when a deployment is opened, and only functions
/// whose role may read or write the table are given it.
#[derive(Clone)]
pub struct Values(());

impl Values {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// Key of the current value of a secret.
    pub fn current(&self, secret: SecretId) -> RowKey<CurrentValue> {
        current(secret)
    }

    /// Key of the value of a share link.
    pub fn shared(&self, link: &TokenHash) -> RowKey<SharedValue> {
        share::value(link)
    }

    /// Key of one version of a secret.
    pub fn version(&self, secret: SecretId, of: u64) -> RowKey<StoredValue> {
        version(secret, of)
    }
}
