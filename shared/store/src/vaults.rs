//! The vault table: keys of its rows, and the lists it gives.

use crypto::TokenHash;
use protocol::{AllowlistEntryId, EnrollmentTokenId, MachineId, ProjectId, SecretId, VaultId};
use serde::{Deserialize, Serialize};
use vault::Time;
use vault::model::{
    AllowlistEntry, BootstrapToken, Bundle, EnrollmentToken, Expiry, Grant, Machine, Membership, Project, Secret, Vault,
};

use crate::item::Key;
use crate::{Store, StoreError};

/// Leads from an enrollment token's hash to its row, which is kept by id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrollmentTokenHash {
    /// SHA-256 of the plaintext.
    pub hash: TokenHash,
    /// The token.
    pub id: EnrollmentTokenId,
}

/// The partition of everything that ends by itself.
pub(crate) const EXPIRIES: &str = "EXPIRY";

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

/// Key of a machine.
#[must_use]
pub fn machine(id: MachineId) -> Key<Machine> {
    Key::new(format!("MACHINE#{id}"), "MACHINE")
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

impl Store {
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

    /// What has ended by now, strongly consistent.
    pub async fn expired(&self, now: Time) -> Result<Vec<Expiry>, StoreError> {
        self.query_until(EXPIRIES, &format!("{:013}~", now.ms())).await
    }
}
