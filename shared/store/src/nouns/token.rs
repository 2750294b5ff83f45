//! Tokens that register machines and AI agents. Those of agents are in the agents table.

use crypto::TokenHash;
use protocol::VaultId;
use rules::Time;
use rules::nouns::{AgentBootstrapToken, BootstrapToken, EnrollmentToken, EnrollmentTokenId, Revocation};
use serde::{Deserialize, Serialize};

use crate::List;
use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;

/// Leads from an enrollment token's hash to its row, which is kept by id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrollmentTokenHash {
    /// SHA-256 of the plaintext.
    pub hash: TokenHash,
    /// The token.
    pub id: EnrollmentTokenId,
    /// When the token ends by itself.
    pub expires_at: Time,
    /// Set when the token was revoked. It is here, where the function that enrolls has no right to write, and in the token
    /// for people to see.
    pub revoked: Option<Revocation>,
}

/// A vault's enrollment tokens, in the order in which they were made.
#[must_use]
pub fn of_vault(vault: VaultId) -> List<EnrollmentToken> {
    List::owned(format!("VAULT#{vault}"), "ENROLLMENT#")
}

/// Key of a bootstrap token.
#[must_use]
pub fn bootstrap(hash: &TokenHash) -> RowKey<BootstrapToken> {
    RowKey::new(format!("BOOTSTRAP#{}", hash.as_str()), "BOOTSTRAP")
}

/// Key of an agent's bootstrap token.
#[must_use]
pub fn agent_bootstrap(hash: &TokenHash) -> RowKey<AgentBootstrapToken> {
    RowKey::new(format!("AGENT-BOOTSTRAP#{}", hash.as_str()), "BOOTSTRAP")
}

/// Key of an enrollment token.
#[must_use]
pub fn enrollment(id: EnrollmentTokenId) -> RowKey<EnrollmentToken> {
    RowKey::new(format!("ENROLLMENT#{id}"), "ENROLLMENT")
}

/// Key of what leads from a hash to an enrollment token.
#[must_use]
pub fn enrollment_hash(hash: &TokenHash) -> RowKey<EnrollmentTokenHash> {
    RowKey::new(format!("ENROLLMENT-HASH#{}", hash.as_str()), "ENROLLMENT-HASH")
}

impl Row for BootstrapToken {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "bootstrap token";
}

impl Put for BootstrapToken {
    fn key(&self) -> RowKey<Self> {
        bootstrap(&self.hash)
    }

    fn drop_after(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

impl Row for AgentBootstrapToken {
    const TABLE: Table = Table::Agents;
    const KIND: &'static str = "agent bootstrap token";
}

impl Put for AgentBootstrapToken {
    fn key(&self) -> RowKey<Self> {
        agent_bootstrap(&self.hash)
    }

    fn drop_after(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

impl Row for EnrollmentToken {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "enrollment token";
}

impl Put for EnrollmentToken {
    fn key(&self) -> RowKey<Self> {
        enrollment(self.id)
    }

    fn owner(&self) -> Option<(String, String)> {
        Some((format!("VAULT#{}", self.vault), format!("ENROLLMENT#{}#{}", sortable(self.created_at), self.id)))
    }

    fn drop_after(&self) -> Option<Time> {
        Some(EnrollmentToken::removed_at(self.expires_at))
    }
}

attributes! {
    EnrollmentToken {
        USES = uses "uses": u64;
        LAST_USED_AT = last_used_at "lastUsedAt": Option<Time>;
        REVOKED = revoked "revoked": Option<Revocation>;
    }
}

impl Row for EnrollmentTokenHash {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "enrollment token hash";
}

impl Put for EnrollmentTokenHash {
    fn key(&self) -> RowKey<Self> {
        enrollment_hash(&self.hash)
    }

    fn drop_after(&self) -> Option<Time> {
        Some(EnrollmentToken::removed_at(self.expires_at))
    }
}

/// The attribute `revoked` of what leads from a hash to an enrollment token.
pub mod of_hash {
    use super::{EnrollmentTokenHash, Revocation, attributes};

    attributes! {
        EnrollmentTokenHash {
            REVOKED = revoked "revoked": Option<Revocation>;
        }
    }
}
