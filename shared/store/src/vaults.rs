//! The vault table: keys of its rows, and the lists it gives.

use std::collections::{BTreeMap, BTreeSet};

use crypto::TokenHash;
use protocol::{AllowlistEntryId, EnrollmentTokenId, MachineId, ProjectId, SecretId, VaultId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vault::Time;
use vault::audit::Record;
use vault::model::{
    AllowlistEntry, BootstrapToken, Bundle, EnrollmentToken, Expiry, Grant, Machine, Membership, Project, Rename,
    Secret, SecretKind, SecretVersion, Vault,
};
use vault::read_gate::Target;

use crate::engine::read::all_of;
use crate::engine::row::Key;
use crate::{Batch, CommitError, Lists, StoreError, Update};

/// Leads from an enrollment token's hash to its row, which is kept by id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrollmentTokenHash {
    /// SHA-256 of the plaintext.
    pub hash: TokenHash,
    /// The token.
    pub id: EnrollmentTokenId,
}

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

/// The partition of everything that ends by itself.
pub(crate) const EXPIRIES: &str = "EXPIRY";
/// The partition of the list of all projects.
pub(crate) const PROJECTS: &str = "PROJECTS";

/// Key of a vault.
#[must_use]
pub fn vault(id: VaultId) -> Key<Vault> {
    Key::new(format!("VAULT#{id}"), "VAULT")
}

/// Key of an IP allowlist entry.
#[must_use]
pub fn allowlist_entry(vault: VaultId, id: AllowlistEntryId) -> Key<AllowlistEntry> {
    Key::new(format!("VAULT#{vault}"), format!("ALLOW#{id}"))
}

/// Key of a project.
#[must_use]
pub fn project(id: ProjectId) -> Key<Project> {
    Key::new(format!("PROJECT#{id}"), "PROJECT")
}

/// Key of a secret's metadata.
#[must_use]
pub fn secret(id: SecretId) -> Key<Secret> {
    Key::new(format!("SECRET#{id}"), "SECRET")
}

/// Key of what is known of a version.
#[must_use]
pub fn secret_version(secret: SecretId, version: u64) -> Key<SecretVersion> {
    Key::new(format!("SECRET#{secret}"), format!("VERSION#{version:010}"))
}

/// Key of a machine.
#[must_use]
pub fn machine(id: MachineId) -> Key<Machine> {
    Key::new(format!("MACHINE#{id}"), "MACHINE")
}

/// Key of a machine's earlier name.
pub(crate) fn rename(id: MachineId, at: Time) -> Key<Rename<MachineId>> {
    Key::new(format!("MACHINE#{id}"), format!("NAME#{:013}", at.ms()))
}

/// Key of a membership.
#[must_use]
pub fn membership(machine: MachineId, project: ProjectId) -> Key<Membership> {
    Key::new(format!("MACHINE#{machine}"), format!("MEMBER#{project}"))
}

/// Key of a grant.
#[must_use]
pub fn grant(machine: MachineId, project: ProjectId, secret: SecretId) -> Key<Grant> {
    Key::new(format!("MACHINE#{machine}"), format!("GRANT#{project}#{secret}"))
}

/// Key of a bootstrap token.
#[must_use]
pub fn bootstrap_token(hash: &TokenHash) -> Key<BootstrapToken> {
    Key::new(format!("BOOTSTRAP#{}", hash.as_str()), "BOOTSTRAP")
}

/// Key of an enrollment token.
#[must_use]
pub fn enrollment_token(id: EnrollmentTokenId) -> Key<EnrollmentToken> {
    Key::new(format!("ENROLLMENT#{id}"), "ENROLLMENT")
}

/// Key of what leads from a hash to an enrollment token.
#[must_use]
pub fn enrollment_token_hash(hash: &TokenHash) -> Key<EnrollmentTokenHash> {
    Key::new(format!("ENROLLMENT-HASH#{}", hash.as_str()), "ENROLLMENT-HASH")
}

/// Key of a bundle.
#[must_use]
pub fn bundle(hash: &TokenHash) -> Key<Bundle> {
    Key::new(format!("BUNDLE#{}", hash.as_str()), "BUNDLE")
}

/// One of a machine's grants with the rows it hangs on, for the read gate to judge.
pub struct Granted {
    /// The grant.
    pub grant: Grant,
    /// Its secret.
    pub secret: Option<Secret>,
    /// Its project.
    pub project: Option<Project>,
    /// The machine's membership of that project.
    pub membership: Option<Membership>,
}

impl Granted {
    /// The rows as facts.
    pub fn target(&self) -> Target<'_> {
        Target {
            secret: self.secret.as_ref(),
            project: self.project.as_ref(),
            membership: self.membership.as_ref(),
            grant: Some(&self.grant),
        }
    }
}

impl Lists {
    /// A machine's grants with everything they hang on, strongly consistent; projects and their secrets in the order
    /// in which they were made.
    pub async fn granted(&self, machine: MachineId, of: Option<ProjectId>) -> Result<Vec<Granted>, StoreError> {
        let grants = self.grants(machine, of).await?;
        let projects: BTreeSet<ProjectId> = grants.iter().map(|grant| grant.project).collect();
        let mut batch = Batch::new();
        for grant in &grants {
            batch.want(&secret(grant.secret));
        }
        for id in &projects {
            batch.want(&project(*id));
            batch.want(&membership(machine, *id));
        }
        let mut fetched = self.fetch(batch).await?;
        let mut places = BTreeMap::new();
        for id in projects {
            places.insert(id, (fetched.take(&project(id))?, fetched.take(&membership(machine, id))?));
        }
        let mut granted = Vec::with_capacity(grants.len());
        for grant in grants {
            let (project, membership) = places.get(&grant.project).cloned().unwrap_or_default();
            let secret = fetched.take(&secret(grant.secret))?;
            granted.push(Granted { grant, secret, project, membership });
        }
        granted.sort_by_key(|row| {
            (row.project.as_ref().map(|p| (p.created_at, p.id)), row.secret.as_ref().map(|s| (s.created_at, s.id)))
        });
        Ok(granted)
    }

    /// A project and the machine's membership of it, strongly consistent.
    pub async fn project_and_membership(
        &self,
        machine: MachineId,
        id: ProjectId,
    ) -> Result<(Option<Project>, Option<Membership>), StoreError> {
        let keys = (project(id), membership(machine, id));
        let mut batch = Batch::new();
        batch.want(&keys.0);
        batch.want(&keys.1);
        let mut fetched = self.fetch(batch).await?;
        Ok((fetched.take(&keys.0)?, fetched.take(&keys.1)?))
    }

    /// Writes down that this version was delivered, unless a newer one was. A grant that is gone stays gone.
    ///
    /// This has to be written before a value leaves: without it the next poll could take a newer version for the one
    /// that was delivered, and the machine would keep the old one.
    pub async fn note_delivery(&self, to: &Grant, version: u64) -> Result<(), StoreError> {
        if to.delivered == Some(version) {
            return Ok(());
        }
        let key = grant(to.machine, to.project, to.secret);
        let note = Update::existing(&key).set("delivered", &version)?.when_absent_or_less("delivered", &version)?;
        self.update_if(note).await.map(|_| ())
    }

    /// Writes down many deliveries, some at the same time.
    pub async fn note_deliveries(&self, notes: Vec<(Grant, u64)>) -> Result<(), StoreError> {
        let writes = notes.into_iter().map(|(grant, version)| {
            let store = self.clone();
            async move { store.note_delivery(&grant, version).await }
        });
        all_of(writes).await
    }

    /// Removes a machine with its memberships and grants, in steps that can be taken up again.
    ///
    /// First it is disabled, and `record` written: from then on it reads nothing. Then its rows go, then itself.
    /// `approved` is the state it has to be in.
    pub async fn remove_machine(&self, id: MachineId, approved: bool, record: &Record) -> Result<(), CommitError> {
        let mut first = self.transaction();
        let disable = Update::existing(&machine(id)).set("enabled", &false)?.when_equals("approved", &approved)?;
        first.update(disable);
        first.record(record);
        first.commit().await?;
        self.drop_grants(id, None).await?;
        self.delete_all(&self.memberships(id).await?).await?;
        self.delete_all(&self.machine_renames(id).await?).await?;
        let mut last = self.transaction();
        last.delete(&machine(id));
        last.commit().await
    }

    /// A machine's renames, oldest first, strongly consistent.
    pub async fn machine_renames(&self, id: MachineId) -> Result<Vec<Rename<MachineId>>, StoreError> {
        self.query(format!("MACHINE#{id}"), "NAME#").await
    }

    /// Deletes a machine's grants, all or of one project.
    pub async fn drop_grants(&self, machine: MachineId, project: Option<ProjectId>) -> Result<(), CommitError> {
        self.delete_all(&self.grants(machine, project).await?).await
    }

    /// The entries of a vault's IP allowlist.
    pub async fn allowlist_entries(&self, vault: VaultId) -> Result<Vec<AllowlistEntry>, StoreError> {
        self.query(format!("VAULT#{vault}"), "ALLOW#").await
    }

    /// A vault's projects.
    pub async fn projects(&self, vault: VaultId) -> Result<Vec<Project>, StoreError> {
        self.query_owned(format!("VAULT#{vault}"), "PROJECT#").await
    }

    /// A vault's machines.
    pub async fn machines(&self, vault: VaultId) -> Result<Vec<Machine>, StoreError> {
        self.query_owned(format!("VAULT#{vault}"), "MACHINE#").await
    }

    /// A vault's enrollment tokens.
    pub async fn enrollment_tokens(&self, vault: VaultId) -> Result<Vec<EnrollmentToken>, StoreError> {
        self.query_owned(format!("VAULT#{vault}"), "ENROLLMENT#").await
    }

    /// A project's secrets, those in the trash too.
    pub async fn secrets(&self, project: ProjectId) -> Result<Vec<Secret>, StoreError> {
        self.query_owned(format!("PROJECT#{project}"), "SECRET#").await
    }

    /// What is known of a secret's versions, oldest first, strongly consistent.
    pub async fn versions(&self, secret: SecretId) -> Result<Vec<SecretVersion>, StoreError> {
        self.query(format!("SECRET#{secret}"), "VERSION#").await
    }

    /// A project's grants, all or for one secret.
    pub async fn grants_of(&self, project: ProjectId, secret: Option<SecretId>) -> Result<Vec<Grant>, StoreError> {
        let prefix = secret.map_or_else(|| "GRANT#".to_owned(), |secret| format!("GRANT#{secret}#"));
        self.query_owned(format!("PROJECT#{project}"), &prefix).await
    }

    /// Deletes a project's grants, all or for one secret.
    pub async fn drop_grants_of(&self, project: ProjectId, secret: Option<SecretId>) -> Result<(), CommitError> {
        self.delete_all(&self.grants_of(project, secret).await?).await
    }

    /// Ends all memberships of a project.
    pub async fn drop_members(&self, project: ProjectId) -> Result<(), CommitError> {
        self.delete_all(&self.members(project).await?).await
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

    /// A project's memberships.
    pub async fn members(&self, project: ProjectId) -> Result<Vec<Membership>, StoreError> {
        self.query_owned(format!("PROJECT#{project}"), "MEMBER#").await
    }

    /// A machine's memberships, strongly consistent.
    pub async fn memberships(&self, machine: MachineId) -> Result<Vec<Membership>, StoreError> {
        self.query(format!("MACHINE#{machine}"), "MEMBER#").await
    }

    /// A machine's grants, all or of one project, strongly consistent.
    pub async fn grants(&self, machine: MachineId, project: Option<ProjectId>) -> Result<Vec<Grant>, StoreError> {
        let prefix = project.map_or_else(|| "GRANT#".to_owned(), |project| format!("GRANT#{project}#"));
        self.query(format!("MACHINE#{machine}"), &prefix).await
    }

    /// The newest projects of all vaults, at most this many.
    pub async fn newest_projects(&self, most: u8) -> Result<Vec<Project>, StoreError> {
        let entries: Vec<ProjectEntry> = self.query_last(PROJECTS, most).await?;
        let keys: Vec<_> = entries.iter().map(|entry| project(entry.project)).collect();
        self.get_all(&keys).await
    }

    /// What has ended by now, strongly consistent.
    pub async fn expired(&self, now: Time) -> Result<Vec<Expiry>, StoreError> {
        self.query_until(EXPIRIES, &format!("{:013}~", now.ms())).await
    }
}
