//! People's passkeys, and the ceremonies that register and use them.

use crypto::TokenHash;
use protocol::UserId;
use rules::Time;
use rules::nouns::{Ceremony, Passkey, PasskeyId};

use super::person::credentials;
use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey};
use crate::engine::table::Table;
use crate::{List, Lists, StoreError};

/// What the sort keys of passkeys begin with.
const PASSKEYS: &str = "PASSKEY#";

/// Key of a passkey.
#[must_use]
pub fn row(user: UserId, id: PasskeyId) -> RowKey<Passkey> {
    RowKey::new(credentials(user), format!("{PASSKEYS}{id}"))
}

/// Key of a ceremony of a passkey.
#[must_use]
pub fn ceremony(hash: &TokenHash) -> RowKey<Ceremony> {
    RowKey::new(format!("CEREMONY#{}", hash.as_str()), "CEREMONY")
}

impl Row for Passkey {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "passkey";
}

impl Put for Passkey {
    fn key(&self) -> RowKey<Self> {
        row(self.user, self.id)
    }
}

attributes! {
    Passkey {
        NAME = name "name": String;
        CREDENTIAL = credential "credential": String;
        LAST_USED_AT = last_used_at "lastUsedAt": Option<Time>;
    }
}

impl Row for Ceremony {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "passkey ceremony";
}

impl Put for Ceremony {
    fn key(&self) -> RowKey<Self> {
        ceremony(&self.hash)
    }

    fn drop_after(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

impl Lists {
    /// A person's passkeys.
    pub async fn passkeys(&self, user: UserId) -> Result<Vec<Passkey>, StoreError> {
        self.all(List::stored(credentials(user), PASSKEYS)).await
    }
}
