//! What a vault holds. Each type is one row of the store; keys and indexes are the store's business.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crypto::{PublicKey, Sealed, TokenHash};
use ipnet::IpNet;
use protocol::{
    AgentId, AllowlistEntryId, BundleId, EnrollmentTokenId, MachineId, ProjectId, SecretId, UserId, VaultId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;
use crate::limits::VERSIONS_KEPT;
use crate::scope::Scope;

/// An account's encrypted storage.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vault {
    /// Its id.
    pub id: VaultId,
    /// The person it belongs to.
    pub owner: UserId,
    /// The vault's own key, wrapped by the server key layer.
    pub key: Sealed,
    /// Whether machine requests are held against [`Vault::allowlist`].
    pub allowlist_enabled: bool,
    /// The allowed ranges. Labels are in rows of their own: this row is part of every machine request.
    pub allowlist: BTreeMap<AllowlistEntryId, IpNet>,
    /// When it was made.
    pub created_at: Time,
}

impl Vault {
    /// Whether the vault's IP allowlist lets this address in. Switched on and empty lets nobody in.
    pub fn allows(&self, address: IpAddr) -> bool {
        !self.allowlist_enabled || self.allowlist.values().any(|range| range.contains(&address))
    }
}

/// What people are shown of an IP allowlist entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowlistEntry {
    /// Its id.
    pub id: AllowlistEntryId,
    /// The vault.
    pub vault: VaultId,
    /// The range; a single address is a /32 or /128.
    pub cidr: IpNet,
    /// A note for people.
    pub label: Option<String>,
    /// When it was added.
    pub created_at: Time,
}

/// Secrets and machines of one logical environment, under a key of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// The vault it is in; never changes.
    pub vault: VaultId,
    /// Its name.
    pub name: String,
    /// A text for people.
    pub description: Option<String>,
    /// The project's master key, wrapped by the server key layer.
    pub master_key: Sealed,
    /// Set while the project is frozen: no machine reads from it.
    pub frozen: Option<Freeze>,
    /// When it was made.
    pub created_at: Time,
    /// When its name or description last changed.
    pub updated_at: Time,
}

/// Since when and why a project is frozen.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Freeze {
    /// Since when.
    pub at: Time,
    /// Why, as given.
    pub reason: Option<String>,
}

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

/// How long a secret stays in the trash, in seconds (30 days).
pub const TRASH_SECONDS: u64 = 30 * 86_400;

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
    /// When it was last delivered to a machine, as the audit log tells; some moments behind.
    pub last_accessed_at: Option<Time>,
    /// Set while the secret is in the trash.
    pub deleted_at: Option<Time>,
    /// When it was made.
    pub created_at: Time,
    /// When its value, name or note last changed.
    pub updated_at: Time,
}

impl Secret {
    /// The versions that are kept: the newest 50.
    pub fn kept_versions(&self) -> std::ops::RangeInclusive<u64> {
        self.version.saturating_sub(VERSIONS_KEPT) + 1..=self.version
    }
}

/// That a secret had this version: what is known of it without its value.
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

/// How a machine came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MachineKind {
    /// Long-lived: bootstrapped or pre-provisioned.
    Standard,
    /// Enrolled by token, with an end of its own.
    Ephemeral,
}

/// A server, container or CI runner.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Its id.
    pub id: MachineId,
    /// The vault it is in; never changes.
    pub vault: VaultId,
    /// Its name.
    pub name: String,
    /// How it came to be.
    pub kind: MachineKind,
    /// The key its signatures verify under.
    pub public_key: PublicKey,
    /// Whether a person has accepted it.
    pub approved: bool,
    /// Whether it is switched on.
    pub enabled: bool,
    /// From then on it is refused.
    pub expires_at: Option<Time>,
    /// The token it was enrolled with.
    pub enrollment_token: Option<EnrollmentTokenId>,
    /// Address it registered from.
    pub registered_from: Option<IpAddr>,
    /// When it registered.
    pub created_at: Time,
}

/// An earlier name of a machine or an AI agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rename<Id> {
    /// Whose name it was.
    pub of: Id,
    /// The name it had.
    pub from: String,
    /// The name it got.
    pub to: String,
    /// When.
    pub at: Time,
}

/// An AI agent: manages the vault and reads no value.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// The vault it is in; never changes.
    pub vault: VaultId,
    /// The vault's owner, for its records.
    pub owner: UserId,
    /// Its name.
    pub name: String,
    /// The key its signatures verify under.
    pub public_key: PublicKey,
    /// Whether somebody has accepted it.
    pub approved: bool,
    /// Whether it is switched on.
    pub enabled: bool,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// The projects its scopes apply in; nothing means all of the vault.
    pub projects: Option<BTreeSet<ProjectId>>,
    /// Address it registered from.
    pub registered_from: Option<IpAddr>,
    /// When it registered.
    pub created_at: Time,
}

/// A single-use token that registers one AI agent, with what a person has fixed for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentBootstrapToken {
    /// SHA-256 of its text.
    pub hash: TokenHash,
    /// The vault it registers into.
    pub vault: VaultId,
    /// The vault's owner.
    pub owner: UserId,
    /// The agent's name, unless it brings one.
    pub name: String,
    /// What the agent may do.
    pub scopes: BTreeSet<Scope>,
    /// The projects that applies in; nothing means all of the vault.
    pub projects: Option<BTreeSet<ProjectId>>,
    /// From then on it is refused.
    pub expires_at: Time,
}

/// A machine's membership of a project: makes it eligible for grants and nothing more.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// The machine.
    pub machine: MachineId,
    /// The project.
    pub project: ProjectId,
    /// When it was added.
    pub added_at: Time,
}

/// One machine may read one secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The machine.
    pub machine: MachineId,
    /// The secret's project.
    pub project: ProjectId,
    /// The secret.
    pub secret: SecretId,
    /// The version last delivered to this machine, for poll.
    pub delivered: Option<u64>,
    /// When it was given.
    pub granted_at: Time,
}

/// A single-use token that registers one long-lived machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BootstrapToken {
    /// SHA-256 of its text.
    pub hash: TokenHash,
    /// The vault it registers into.
    pub vault: VaultId,
    /// From then on it is refused.
    pub expires_at: Time,
}

/// A token with which CI runs and serverless functions enroll themselves, inside what was fixed when it was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrollmentToken {
    /// Its id.
    pub id: EnrollmentTokenId,
    /// SHA-256 of its plaintext.
    pub hash: TokenHash,
    /// The vault it enrolls into.
    pub vault: VaultId,
    /// Its name.
    pub name: String,
    /// A text for people.
    pub description: Option<String>,
    /// Projects its machines join.
    pub project_ids: Vec<ProjectId>,
    /// Secrets its machines are granted.
    pub secret_ids: Vec<SecretId>,
    /// How long a machine it enrolls lives, in seconds.
    pub machine_lifetime_seconds: u64,
    /// How many machines it may enroll.
    pub max_uses: u64,
    /// How many it has enrolled.
    pub uses: u64,
    /// Addresses it may be used from.
    pub source_cidr: Option<IpNet>,
    /// A regular expression that the whole host name has to match.
    pub hostname_pattern: Option<String>,
    /// A template for the names of its machines.
    pub name_pattern: Option<String>,
    /// From then on it is refused.
    pub expires_at: Time,
    /// Set when it was revoked.
    pub revoked: Option<Revocation>,
    /// When it was made.
    pub created_at: Time,
}

/// When and why a token was revoked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    /// When.
    pub at: Time,
    /// Why, as given.
    pub reason: Option<String>,
}

/// A pre-provisioned identity that waits for its one download.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// Its id.
    pub id: BundleId,
    /// SHA-256 of the link's token.
    pub hash: TokenHash,
    /// The vault.
    pub vault: VaultId,
    /// The machine it is the identity of.
    pub machine: MachineId,
    /// The private key file, sealed under the vault's key. Gone with this row.
    pub private_key: Sealed,
    /// From then on it is refused.
    pub expires_at: Time,
}

impl Bundle {
    /// What [`Bundle::private_key`] is sealed for.
    pub const PURPOSE: &'static str = "bundle";
    /// How long after its end a bundle is swept, in seconds: a download that began in time may still be under way.
    const SWEPT_AFTER_SECONDS: u64 = 60;

    /// What ends the bundle if nobody fetches it.
    pub fn expiry(&self) -> Expiry {
        let at = self.expires_at.plus_seconds(Self::SWEPT_AFTER_SECONDS);
        Expiry { at, of: Expiring::Bundle(self.hash.clone()) }
    }
}

/// What the sweep has to end, and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expiry {
    /// When.
    pub at: Time,
    /// What.
    pub of: Expiring,
}

/// A thing that ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiring {
    /// An ephemeral machine: disabled at its end.
    Machine(MachineId),
    /// A bundle nobody fetched: destroyed, and its machine removed.
    Bundle(TokenHash),
    /// A secret that was in the trash for its time: purged.
    Secret(ProjectId, SecretId),
    /// A project that was deleted: what is left of it goes.
    Project(VaultId, ProjectId),
}
