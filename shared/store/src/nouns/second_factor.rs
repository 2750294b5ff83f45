//! People's second factors.

use std::collections::BTreeSet;

use crypto::Sealed;
use protocol::UserId;
use rules::Time;
use rules::nouns::SecondFactor;

use super::person::credentials;
use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey};
use crate::engine::table::Table;
use crate::{Lists, StoreError};

/// Key of a person's second factor.
#[must_use]
pub fn row(user: UserId) -> RowKey<SecondFactor> {
    RowKey::new(credentials(user), "TOTP")
}

impl Row for SecondFactor {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "second factor";
}

impl Put for SecondFactor {
    fn key(&self) -> RowKey<Self> {
        row(self.user)
    }
}

attributes! {
    SecondFactor {
        SEED = seed "seed": Sealed;
        CONFIRMED_AT = confirmed_at "confirmedAt": Option<Time>;
        LAST_STEP = last_step "lastStep": u64;
        RECOVERY_SALT = recovery_salt "recoverySalt": String;
        RECOVERY_HASHES = recovery_hashes "recoveryHashes": BTreeSet<String>;
    }
}

impl Lists {
    /// A person's second factor, if they have one: an enrollment that no code confirmed is none.
    pub async fn second_factor(&self, user: UserId) -> Result<Option<SecondFactor>, StoreError> {
        let factor = self.get(&row(user)).await?;
        Ok(factor.filter(|factor| factor.confirmed_at.is_some()))
    }
}
