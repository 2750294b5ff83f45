//! `GET ai-agents` and `ai-agents/{agentId}`: the vault's AI agents.

use std::collections::BTreeSet;
use std::net::IpAddr;
use store::agent;

use axum::extract::State;
use edge::{Error, Ids, Json, Principal};
use protocol::{AgentId, ProjectId};
use rules::Time;
use rules::nouns::Agent;
use rules::scope::Scope;
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AgentRow {
    id: AgentId,
    name: String,
    /// `SHA256:` and the unpadded standard base64 of the SHA-256 of the raw public key.
    key_fingerprint: String,
    approved: bool,
    enabled: bool,
    scope_count: usize,
    /// How many projects its allowlist has; 0 with `restricted` false means all of the vault.
    project_count: usize,
    restricted: bool,
    registered_from: Option<IpAddr>,
    created_at: Time,
}

impl From<&Agent> for AgentRow {
    fn from(agent: &Agent) -> Self {
        Self {
            id: agent.id,
            name: agent.name.clone(),
            key_fingerprint: agent.public_key.fingerprint(),
            approved: agent.approved,
            enabled: agent.enabled,
            scope_count: agent.scopes.len(),
            project_count: agent.projects.as_ref().map_or(0, BTreeSet::len),
            restricted: agent.projects.is_some(),
            registered_from: agent.registered_from,
            created_at: agent.created_at,
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Agents {
    agents: Vec<AgentRow>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentDetail {
    #[serde(flatten)]
    row: AgentRow,
    scopes: BTreeSet<Scope>,
    /// The allowlist; empty with `restricted` false means all of the vault.
    project_ids: BTreeSet<ProjectId>,
}

impl From<&Agent> for AgentDetail {
    fn from(agent: &Agent) -> Self {
        Self {
            row: agent.into(),
            scopes: agent.scopes.clone(),
            project_ids: agent.projects.clone().unwrap_or_default(),
        }
    }
}

/// `GET ai-agents`: the AI agents, in the order in which they registered.
pub(crate) async fn list(State(app): State<App>, by: Principal) -> Result<Json<Agents>, Error> {
    Ok(Json(Agents { agents: app.store.agents(by.vault).await?.iter().map(AgentRow::from).collect() }))
}

/// `GET ai-agents/{agentId}`: one AI agent, with its scopes and allowlist.
pub(crate) async fn one(by: Principal, Ids(id): Ids<AgentId>) -> Result<Json<AgentDetail>, Error> {
    Ok(Json((&by.find(&agent::row(id)).await?).into()))
}
