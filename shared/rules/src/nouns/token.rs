//! One-time and enrollment tokens.

use std::collections::BTreeSet;

use crypto::TokenHash;
use ipnet::IpNet;
use protocol::{ProjectId, SecretId, UserId, VaultId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;
use crate::owned::Owned;
use crate::scope::Scope;

protocol::prefixed_id!(
    /// An enrollment token; its plaintext is another thing and is never stored.
    EnrollmentTokenId, "enr_", "enrollment token id"
);

/// A single-use token that registers one long-lived machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BootstrapToken {
    /// SHA-256 of its text.
    pub hash: TokenHash,
    /// The vault it registers into.
    pub vault: VaultId,
    /// The person who made it.
    pub made_by: Option<UserId>,
    /// From then on it is refused.
    pub expires_at: Time,
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
    /// Projects its machines join, those of its secrets among them.
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
    /// When it last enrolled a machine.
    pub last_used_at: Option<Time>,
}

/// What state an enrollment token is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnrollmentTokenState {
    /// It enrolls machines.
    Live,
    /// It has enrolled as many as it may.
    UsedUp,
    /// Its time is over.
    Expired,
    /// Somebody has revoked it.
    Revoked,
}

impl EnrollmentToken {
    /// How long after its end it is kept, in seconds (90 days).
    const KEPT_SECONDS: u64 = 90 * 86_400;

    /// What state it is in now.
    #[must_use]
    pub fn state(&self, now: Time) -> EnrollmentTokenState {
        match self {
            _ if self.revoked.is_some() => EnrollmentTokenState::Revoked,
            _ if self.expires_at <= now => EnrollmentTokenState::Expired,
            _ if self.uses >= self.max_uses => EnrollmentTokenState::UsedUp,
            _ => EnrollmentTokenState::Live,
        }
    }

    /// How many of these can still be used.
    #[must_use]
    pub fn usable(tokens: &[Self], now: Time) -> u64 {
        tokens.iter().filter(|token| token.state(now) == EnrollmentTokenState::Live).fold(0, |number, _| number + 1)
    }

    /// When it is removed, if it ended then.
    #[must_use]
    pub fn removed_at(ended: Time) -> Time {
        ended.plus_seconds(Self::KEPT_SECONDS)
    }
}

impl Owned for EnrollmentToken {
    const NAME: &'static str = "Enrollment token";

    fn vault(&self) -> VaultId {
        self.vault
    }

    fn names(&self) -> &[ProjectId] {
        &self.project_ids
    }
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
