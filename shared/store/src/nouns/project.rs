//! Projects, and the list of all there are.

use protocol::{ProjectId, VaultId};
use rules::Time;
use rules::nouns::{Freeze, Project, SecretKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{Lists, StoreError};

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
pub struct ProjectCounts {
    pub secrets: usize,
    pub versions: usize,
    pub canaries: usize,
    pub grants: usize,
    pub memberships: usize,
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
        NAME = name "name": String;
        DESCRIPTION = description "description": Option<String>;
        FROZEN = frozen "frozen": Option<Freeze>;
        UPDATED_AT = updated_at "updatedAt": Time;
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
    /// A vault's projects.
    pub async fn projects(&self, vault: VaultId) -> Result<Vec<Project>, StoreError> {
        self.query_owned(format!("VAULT#{vault}"), "PROJECT#").await
    }

    /// The newest projects of all vaults, at most this many.
    pub async fn newest_projects(&self, most: u8) -> Result<Vec<Project>, StoreError> {
        let entries: Vec<ProjectEntry> = self.query_last(PROJECTS, most).await?;
        let keys: Vec<_> = entries.iter().map(|entry| row(entry.project)).collect();
        self.get_all(&keys).await
    }

    /// What is in a project, counted.
    pub async fn count_project(&self, project: ProjectId) -> Result<ProjectCounts, StoreError> {
        let secrets = self.secrets(project).await?;
        Ok(ProjectCounts {
            secrets: secrets.len(),
            versions: secrets.iter().map(|secret| secret.kept_versions().count()).sum(),
            canaries: secrets.iter().filter(|secret| secret.kind == SecretKind::Canary).count(),
            grants: self.grants_of(project, None).await?.len(),
            memberships: self.members(project).await?.len(),
        })
    }
}
