//! Share links. What everybody who manages may see of one is in the vault table, its sealed value in the values table: only
//! `open-share` reads that.

use crypto::{SealedValue, TokenHash};
use protocol::ProjectId;
use rules::Time;
use rules::nouns::{ShareLink, ShareLinkKey, ShareStatus};
use serde::{Deserialize, Serialize};

use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::engine::transaction::ROWS;
use crate::{CommitError, List, Lists, Step, Transaction};

/// The value of a share link, sealed. Gone with the one attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedValue {
    /// The link.
    pub link: TokenHash,
    /// Argon2id of the passphrase.
    pub passphrase_hash: String,
    /// The sealed data key and the sealed value.
    #[serde(flatten)]
    pub sealed: SealedValue,
}

/// Key of a share link.
#[must_use]
pub fn row(hash: &TokenHash) -> RowKey<ShareLink> {
    RowKey::new(format!("SHARE#{}", hash.as_str()), "SHARE")
}

/// Key of a share link's value.
pub(super) fn value(hash: &TokenHash) -> RowKey<SharedValue> {
    RowKey::new(format!("SHARE#{}", hash.as_str()), "VALUE")
}

/// Key of the key of a project's share links.
#[must_use]
pub fn key(project: ProjectId) -> RowKey<ShareLinkKey> {
    RowKey::new(format!("SHARE-KEY#{project}"), "KEY")
}

/// A project's share links, in the order in which they were made.
#[must_use]
pub fn of_project(project: ProjectId) -> List<ShareLink> {
    List::owned(format!("PROJECT#{project}"), "SHARE#")
}

impl Row for ShareLink {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "share link";
}

impl Put for ShareLink {
    fn key(&self) -> RowKey<Self> {
        row(&self.hash)
    }

    fn owner(&self) -> Option<(String, String)> {
        Some((format!("PROJECT#{}", self.project), format!("SHARE#{}#{}", sortable(self.created_at), self.id)))
    }

    fn drop_after(&self) -> Option<Time> {
        Some(self.dropped_at())
    }
}

attributes! {
    ShareLink {
        STATUS = status "status": ShareStatus;
        ENDED_AT = ended_at "endedAt": Option<Time>;
    }
}

impl Row for SharedValue {
    const TABLE: Table = Table::Values;
    const KIND: &'static str = "shared value";
}

impl Put for SharedValue {
    fn key(&self) -> RowKey<Self> {
        value(&self.link)
    }
}

impl Row for ShareLinkKey {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "key of share links";
}

impl Put for ShareLinkKey {
    fn key(&self) -> RowKey<Self> {
        key(self.project)
    }
}

/// The attribute `key` of the key of a project's share links.
pub mod of_key {
    use crypto::Sealed;

    use super::{ShareLinkKey, attributes};

    attributes! {
        ShareLinkKey {
            KEY = key "key": Sealed;
        }
    }
}

/// Ends a share link that waits. The step is refused when it does not.
pub fn end(write: &mut Transaction<'_>, link: &ShareLink, status: ShareStatus, at: Time) -> Step {
    let ended = link.key().change().set(STATUS, &status).set(ENDED_AT, &Some(at));
    write.change(ended.only_if(STATUS.is(&ShareStatus::Pending)))
}

/// Destroys the value of a share link, if it is there.
pub fn destroy(write: &mut Transaction<'_>, link: &ShareLink) {
    write.delete(&value(&link.hash));
}

impl Lists {
    /// Ends all share links of a project, with their values.
    pub async fn drop_share_links(&self, project: ProjectId) -> Result<(), CommitError> {
        for links in self.all(of_project(project)).await?.chunks(ROWS / 2) {
            let mut write = self.transaction();
            for link in links {
                destroy(&mut write, link);
                write.delete(&link.key());
            }
            write.commit().await?;
        }
        Ok(())
    }
}
