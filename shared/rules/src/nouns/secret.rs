//! A secret without its value, and the dates of its versions.

use protocol::{ProjectId, SecretId, VaultId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Canary, PolicyId, Schedule};
use crate::Time;
use crate::names::UniqueName;
use crate::owned::Owned;
use crate::structured::NotStructured;

/// Versions of a secret that are kept.
pub const VERSIONS_KEPT: u64 = 50;

/// How long a secret stays in the trash, in seconds (30 days).
pub const TRASH_SECONDS: u64 = 30 * 86_400;

/// What kind of secret a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    /// One value.
    Secret,
    /// Several named fields, encrypted as one.
    Structured,
    /// A database credential that is rotated and pushed to the database.
    Managed,
    /// A tripwire.
    Canary,
}

impl SecretKind {
    /// The kind as machines see it. Whoever holds a stolen machine key must not be able to tell a canary.
    pub fn shown_to_machines(self) -> &'static str {
        match self {
            Self::Secret | Self::Canary => "secret",
            Self::Structured => "structured",
            Self::Managed => "managed",
        }
    }
}

/// A secret without its value.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// Its id.
    pub id: SecretId,
    /// The vault it is in; never changes.
    pub vault: VaultId,
    /// The project it is in; never changes.
    pub project: ProjectId,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: SecretKind,
    /// For structured and managed secrets the JSON array of field names, as text, in the order given.
    pub field_names: Option<String>,
    /// A note for people.
    pub note: Option<String>,
    /// The current version, from 1.
    pub version: u64,
    /// The policy that its reads have to meet.
    pub policy: Option<PolicyId>,
    /// How often it is rotated, if it is.
    pub schedule: Option<Schedule>,
    /// Of a canary, what a read of it brings about.
    pub canary: Option<Canary>,
    /// How many reads tripped it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub trips: u64,
    /// When one last did.
    pub tripped_at: Option<Time>,
    /// When it was last delivered to a machine, as the audit log tells; some moments behind.
    pub last_accessed_at: Option<Time>,
    /// Set while the secret is in the trash.
    pub deleted_at: Option<Time>,
    /// When it was made.
    pub created_at: Time,
    /// When its value, name or note last changed.
    pub updated_at: Time,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Secret {
    /// A secret that is made now, of one value, with nothing else said about it.
    #[must_use]
    pub fn new(id: SecretId, vault: VaultId, project: ProjectId, name: String, now: Time) -> Self {
        Self {
            id,
            vault,
            project,
            name,
            kind: SecretKind::Secret,
            field_names: None,
            note: None,
            version: 1,
            policy: None,
            schedule: None,
            canary: None,
            trips: 0,
            tripped_at: None,
            last_accessed_at: None,
            deleted_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Its name, which it alone has in its project unless it is in the trash.
    #[must_use]
    pub fn unique_name(&self) -> SecretName {
        let name = UniqueName::of(&self.name);
        SecretName { vault: self.vault, project: self.project, name, secret: self.id }
    }

    /// The names of its fields, in order; nothing of a secret that has none.
    pub fn fields(&self) -> Result<Option<Vec<String>>, NotStructured> {
        let parse = |text: &String| serde_json::from_str(text);
        self.field_names.as_ref().map(parse).transpose().map_err(|_| NotStructured)
    }

    /// The versions that are kept: the newest 50.
    pub fn kept_versions(&self) -> std::ops::RangeInclusive<u64> {
        self.version.saturating_sub(VERSIONS_KEPT) + 1..=self.version
    }
}

impl Owned for Secret {
    const NAME: &'static str = "Secret";

    fn vault(&self) -> VaultId {
        self.vault
    }

    fn project(&self) -> Option<ProjectId> {
        Some(self.project)
    }

    fn is_live(&self) -> bool {
        self.deleted_at.is_none()
    }
}

/// The name of a project's secret, which no other secret of the project has but those in the trash.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretName {
    /// The vault.
    pub vault: VaultId,
    /// The project.
    pub project: ProjectId,
    /// The name as it is compared.
    pub name: UniqueName,
    /// Whose it is.
    pub secret: SecretId,
}

impl Owned for SecretName {
    const NAME: &'static str = "Secret";

    fn vault(&self) -> VaultId {
        self.vault
    }

    fn project(&self) -> Option<ProjectId> {
        Some(self.project)
    }
}

/// A version of a secret without its value: when it was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretVersion {
    /// The secret.
    pub secret: SecretId,
    /// The version.
    pub version: u64,
    /// When it was made.
    pub created_at: Time,
}
