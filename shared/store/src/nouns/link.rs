//! Links that were mailed to people.

use crypto::TokenHash;
use protocol::UserId;
use rules::Time;
use rules::nouns::MailedLink;

use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{List, Lists, StoreError};

/// Key of a link that was mailed.
#[must_use]
pub fn row(hash: &TokenHash) -> RowKey<MailedLink> {
    RowKey::new(format!("LINK#{}", hash.as_str()), "LINK")
}

impl Row for MailedLink {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "mailed link";
}

impl Put for MailedLink {
    fn key(&self) -> RowKey<Self> {
        row(&self.hash)
    }

    fn owner(&self) -> Option<(String, String)> {
        Some((format!("USER#{}", self.user), format!("LINK#{}#{}", sortable(self.created_at), self.hash.as_str())))
    }

    fn drop_after(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

impl Lists {
    /// The links that were mailed to a person, with expired links that are not dropped yet.
    pub async fn mailed_links(&self, user: UserId) -> Result<Vec<MailedLink>, StoreError> {
        self.all(List::owned(format!("USER#{user}"), "LINK#")).await
    }
}
