//! Projects, and the list of all there are.

use crypto::Sealed;
use protocol::{ProjectId, VaultId};
use rules::Time;
use rules::names::UniqueName;
use rules::nouns::{Freeze, Project, ProjectName, SecretKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{grant, member, policy, secret, share};
use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{List, Lists, StoreError};

/// The partition of the list of all projects.
const PROJECTS: &str = "PROJECTS";

/// A project in the list of all there are: nothing but its id, for functions that prepare their keys when they start.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectEntry {
    /// The project.
    pub project: ProjectId,
    /// When it was made.
    pub created_at: Time,
}

impl From<&Project> for ProjectEntry {
    fn from(project: &Project) -> Self {
        Self { project: project.id, created_at: project.created_at }
    }
}

/// How much is in a project; secrets with those in the trash.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
#[serde(rename_all = "camelCase")]
pub struct ProjectCounts {
    pub secrets: usize,
    pub versions: usize,
    pub canaries: usize,
    pub grants: usize,
    pub memberships: usize,
    pub policies: usize,
    /// Share links that wait to be opened.
    pub temporary_secrets: usize,
}

/// A vault's projects, in the order in which they were made.
#[must_use]
pub fn of_vault(vault: VaultId) -> List<Project> {
    List::owned(format!("VAULT#{vault}"), "PROJECT#")
}

/// The names of a vault's projects, in order.
#[must_use]
pub fn names_of_vault(vault: VaultId) -> List<ProjectName> {
    List::stored(format!("PROJECT-NAMES#{vault}"), "NAME#")
}

/// Key of the name of a vault's project.
#[must_use]
pub fn name(vault: VaultId, name: &UniqueName) -> RowKey<ProjectName> {
    RowKey::new(format!("PROJECT-NAMES#{vault}"), format!("NAME#{name}"))
}

/// Key of a project.
#[must_use]
pub fn row(id: ProjectId) -> RowKey<Project> {
    RowKey::new(format!("PROJECT#{id}"), "PROJECT")
}

impl Row for Project {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "project";
}

impl Put for Project {
    fn key(&self) -> RowKey<Self> {
        row(self.id)
    }

    fn owner(&self) -> Option<(String, String)> {
        Some((format!("VAULT#{}", self.vault), format!("PROJECT#{}#{}", sortable(self.created_at), self.id)))
    }
}

attributes! {
    Project {
        MASTER_KEY = master_key "masterKey": Sealed;
        NAME = name "name": String;
        DESCRIPTION = description "description": Option<String>;
        FROZEN = frozen "frozen": Option<Freeze>;
        UPDATED_AT = updated_at "updatedAt": Time;
    }
}

impl Row for ProjectName {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "name of a project";
}

impl Put for ProjectName {
    fn key(&self) -> RowKey<Self> {
        name(self.vault, &self.name)
    }
}

impl Row for ProjectEntry {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "project entry";
}

impl Put for ProjectEntry {
    fn key(&self) -> RowKey<Self> {
        RowKey::new(PROJECTS, format!("{}#{}", sortable(self.created_at), self.project))
    }
}

impl Lists {
    /// The newest projects of all vaults, at most this many.
    pub async fn newest_projects(&self, most: u8) -> Result<Vec<Project>, StoreError> {
        let entries: Vec<ProjectEntry> = self.query_last(PROJECTS, most).await?;
        let keys: Vec<_> = entries.iter().map(|entry| row(entry.project)).collect();
        self.get_all(&keys).await
    }

    /// What is in a project, counted.
    pub async fn count_project(&self, project: &Project, now: Time) -> Result<ProjectCounts, StoreError> {
        let mut secrets = self.all(secret::of_project(project.id)).await?;
        let trash = self.all(secret::trash_of(project.vault)).await?;
        secrets.extend(trash.into_iter().filter(|secret| secret.project == project.id));
        let links = self.all(share::of_project(project.id)).await?;
        Ok(ProjectCounts {
            secrets: secrets.len(),
            versions: secrets.iter().map(|secret| secret.kept_versions().count()).sum(),
            canaries: secrets.iter().filter(|secret| secret.kind == SecretKind::Canary).count(),
            grants: self.count(grant::of_project(project.id, None)).await?,
            memberships: self.count(member::of_project(project.id)).await?,
            policies: self.count(policy::of_project(project.id)).await?,
            temporary_secrets: links.iter().filter(|link| link.is_open(now)).count(),
        })
    }
}
