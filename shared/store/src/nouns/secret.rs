//! Secrets without their values, and the dates of their versions.

use protocol::{ProjectId, SecretId, VaultId};
use rules::Time;
use rules::names::UniqueName;
use rules::nouns::{Canary, PolicyId, Schedule, Secret, SecretName, SecretVersion};

use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{List, Lists, StoreError};

/// A project's secrets that are not in the trash, in the order in which they were made.
#[must_use]
pub fn of_project(project: ProjectId) -> List<Secret> {
    List::owned(format!("PROJECT#{project}"), "SECRET#")
}

/// What is in a vault's trash, in the order in which it was deleted.
#[must_use]
pub fn trash_of(vault: VaultId) -> List<Secret> {
    List::owned(format!("VAULT#{vault}"), "TRASH#")
}

/// The names of a project's secrets that are not in the trash, in order.
#[must_use]
pub fn names_of_project(project: ProjectId) -> List<SecretName> {
    List::stored(format!("SECRET-NAMES#{project}"), "NAME#")
}

/// Key of the name of a project's secret.
#[must_use]
pub fn name(project: ProjectId, name: &UniqueName) -> RowKey<SecretName> {
    RowKey::new(format!("SECRET-NAMES#{project}"), format!("NAME#{name}"))
}

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
        Some(match self.deleted_at {
            None => (format!("PROJECT#{}", self.project), format!("SECRET#{}#{}", sortable(self.created_at), self.id)),
            Some(at) => (format!("VAULT#{}", self.vault), format!("TRASH#{}#{}", sortable(at), self.id)),
        })
    }
}

attributes! {
    Secret {
        NAME = name "name": String;
        NOTE = note "note": Option<String>;
        VERSION = version "version": u64;
        POLICY = policy "policy": Option<PolicyId>;
        SCHEDULE = schedule "schedule": Option<Schedule>;
        CANARY = canary "canary": Option<Canary>;
        TRIPS = trips "trips": u64;
        TRIPPED_AT = tripped_at "trippedAt": Option<Time>;
        LAST_ACCESSED_AT = last_accessed_at "lastAccessedAt": Option<Time>;
        DELETED_AT = deleted_at "deletedAt": Option<Time>;
        UPDATED_AT = updated_at "updatedAt": Time;
    }
}

impl Row for SecretName {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "name of a secret";
}

impl Put for SecretName {
    fn key(&self) -> RowKey<Self> {
        name(self.project, &self.name)
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
    /// What is known of a secret's versions, oldest first, strongly consistent.
    pub async fn versions(&self, secret: SecretId) -> Result<Vec<SecretVersion>, StoreError> {
        self.all(List::stored(format!("SECRET#{secret}"), "VERSION#")).await
    }

    /// Writes down when a secret was last delivered, unless that is known of a later time. One that is gone stays gone.
    pub async fn note_access(&self, secret: SecretId, at: Time) -> Result<(), StoreError> {
        let is_newer = LAST_ACCESSED_AT.absent_or_less_than(&at);
        self.change_if(row(secret).change().set(LAST_ACCESSED_AT, &Some(at)).only_if(is_newer)).await.map(|_| ())
    }
}
