//! What belongs to the deployment as a whole: what shows that its store is its key's.

use crypto::Sealed;
use crypto::envelope::KeyContext;
use serde::{Deserialize, Serialize};

use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey};
use crate::engine::table::Table;

/// A key of nothing, wrapped by the server key layer: who can unwrap it has the key that the store was made with.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeyCheck {
    /// The wrapped key.
    pub sealed: Sealed,
}

impl KeyCheck {
    /// What it is wrapped for.
    pub const CONTEXT: KeyContext = KeyContext::Check;
}

/// Key of the one there is.
#[must_use]
pub fn key_check() -> RowKey<KeyCheck> {
    RowKey::new("DEPLOYMENT", "KEY-CHECK")
}

attributes! {
    KeyCheck {
        SEALED = sealed "sealed": Sealed;
    }
}

impl Row for KeyCheck {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "key check";
}

impl Put for KeyCheck {
    fn key(&self) -> RowKey<Self> {
        key_check()
    }
}
