//! Bundles.

use crypto::TokenHash;
use rules::nouns::Bundle;

use crate::engine::row::{Put, Row, RowKey};
use crate::engine::table::Table;

/// Key of a bundle.
#[must_use]
pub fn row(hash: &TokenHash) -> RowKey<Bundle> {
    RowKey::new(format!("BUNDLE#{}", hash.as_str()), "BUNDLE")
}

impl Row for Bundle {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "bundle";
}

impl Put for Bundle {
    fn key(&self) -> RowKey<Self> {
        row(&self.hash)
    }
}
