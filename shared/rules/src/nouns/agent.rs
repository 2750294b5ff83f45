//! An AI agent.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crypto::PublicKey;
use protocol::{AgentId, ProjectId, UserId, VaultId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;
use crate::scope::Scope;

/// Most projects in an AI agent's allowlist: it is read with every call.
pub const AGENT_PROJECTS: usize = 200;

/// What state an AI agent is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Nobody has approved it yet.
    Pending,
    /// It may manage, within its scopes.
    Active,
    /// Somebody has switched it off.
    Disabled,
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
    /// Whether somebody has accepted it. Absent until then: whoever registers one must not be able to say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
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

impl Agent {
    /// What state it is in.
    #[must_use]
    pub fn state(&self) -> AgentState {
        match self {
            _ if !self.approved => AgentState::Pending,
            _ if !self.enabled => AgentState::Disabled,
            _ => AgentState::Active,
        }
    }
}

crate::owned::owned!(Agent "Agent");
