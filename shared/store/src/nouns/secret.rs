//! Secrets without their values, and the dates of their versions.

use protocol::{ProjectId, SecretId};
use rules::Time;
use rules::nouns::{Secret, SecretVersion};

use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{Lists, StoreError};

/// Key of a secret's metadata.
#[must_use]
pub fn row(id: SecretId) -> RowKey<Secret> {
    RowKey::new(format!("SECRET#{id}"), "SECRET")
}

/// Key of a version's date.
#[must_use]
pub fn version(secret: SecretId, version: u64) -> RowKey<SecretVersion> {
    RowKey::new(format!("SECRET#{secret}"), format!("VERSION#{version:010}"))
}

impl Row for Secret {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "secret";
}

impl Put for Secret {
    fn key(&self) -> RowKey<Self> {
        row(self.id)
    }

    fn owner(&self) -> Option<(String, String)> {
        Some((format!("PROJECT#{}", self.project), format!("SECRET#{}#{}", sortable(self.created_at), self.id)))
    }
}

attributes! {
    Secret {
        NAME = name "name": String;
        NOTE = note "note": Option<String>;
        VERSION = version "version": u64;
        LAST_ACCESSED_AT = last_accessed_at "lastAccessedAt": Option<Time>;
        DELETED_AT = deleted_at "deletedAt": Option<Time>;
        UPDATED_AT = updated_at "updatedAt": Time;
    }
}

impl Row for SecretVersion {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "version of a secret";
}

impl Put for SecretVersion {
    fn key(&self) -> RowKey<Self> {
        version(self.secret, self.version)
    }
}

impl Lists {
    /// A project's secrets, those in the trash too.
    pub async fn secrets(&self, project: ProjectId) -> Result<Vec<Secret>, StoreError> {
        self.query_owned(format!("PROJECT#{project}"), "SECRET#").await
    }

    /// What is known of a secret's versions, oldest first, strongly consistent.
    pub async fn versions(&self, secret: SecretId) -> Result<Vec<SecretVersion>, StoreError> {
        self.query(format!("SECRET#{secret}"), "VERSION#").await
    }

    /// Writes down when a secret was last delivered, unless that is known of a later time. One that is gone stays gone.
    pub async fn note_access(&self, secret: SecretId, at: Time) -> Result<(), StoreError> {
        let is_newer = LAST_ACCESSED_AT.absent_or_less_than(&at);
        self.change_if(row(secret).change().set(LAST_ACCESSED_AT, &Some(at)).only_if(is_newer)).await.map(|_| ())
    }
}
