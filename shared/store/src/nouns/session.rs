//! People's sessions.

use crypto::TokenHash;
use protocol::UserId;
use rules::Time;
use rules::nouns::Session;

use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{List, Lists, StoreError};

/// Key of a session.
#[must_use]
pub fn row(hash: &TokenHash) -> RowKey<Session> {
    RowKey::new(format!("SESSION#{}", hash.as_str()), "SESSION")
}

impl Row for Session {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "session";
}

impl Put for Session {
    fn key(&self) -> RowKey<Self> {
        row(&self.hash)
    }

    fn owner(&self) -> Option<(String, String)> {
        Some((format!("USER#{}", self.user), format!("SESSION#{}#{}", sortable(self.created_at), self.id)))
    }

    fn drop_after(&self) -> Option<Time> {
        Some(self.created_at.plus_seconds(Self::TOTAL_SECONDS))
    }
}

attributes! {
    Session {
        LAST_USED_AT = last_used_at "lastUsedAt": Time;
        PROVED_AT = proved_at "provedAt": Option<Time>;
    }
}

impl Lists {
    /// A person's sessions, ended ones that are not dropped yet too.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        self.all(List::owned(format!("USER#{user}"), "SESSION#")).await
    }
}
