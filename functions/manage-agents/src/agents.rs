//! `GET ai-agents`, `POST ai-agents/query` and `GET ai-agents/{agentId}`: the vault's AI agents.

use std::collections::BTreeSet;
use std::net::IpAddr;
use store::agent;

use axum::extract::State;
use edge::listing::{Page, Pager, Whole};
use edge::paging::SIZE_LIMIT;
use edge::{Body, Error, Ids, Json, Principal};
use protocol::{AgentId, ProjectId};
use rules::Time;
use rules::names::NameFilter;
use rules::nouns::{Agent, AgentState};
use rules::scope::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

impl Agents {
    fn of(agents: Vec<AgentRow>) -> Self {
        Self { agents }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AgentQuery")]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
    /// The whole name, in any letter case.
    name: Option<String>,
    state: Option<AgentState>,
}

/// `GET ai-agents`: the AI agents, in the order in which they registered.
pub(crate) async fn list(State(app): State<App>, by: Principal) -> Result<Json<Whole<Agents>>, Error> {
    let all = agent::of_vault(by.vault);
    Ok(Pager::whole().along(&app.store, all, |agent| Some(AgentRow::from(&agent))).await?.whole(Agents::of))
}

/// `POST ai-agents/query`: the same a page at a time; by name and state.
pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Body(query): Body<Query>,
) -> Result<Json<Page<Agents>>, Error> {
    let pager = Pager::page(query.limit, query.cursor.as_deref())?;
    let name = NameFilter::of(query.name.as_deref());
    let wanted = |agent: &Agent| name.takes(&agent.name) && query.state.is_none_or(|state| state == agent.state());
    let show = |agent| wanted(&agent).then(|| AgentRow::from(&agent));
    Ok(pager.along(&app.store, agent::of_vault(by.vault), show).await?.page(Agents::of))
}

/// `GET ai-agents/{agentId}`: one AI agent, with its scopes and allowlist.
pub(crate) async fn one(by: Principal, Ids(id): Ids<AgentId>) -> Result<Json<AgentDetail>, Error> {
    Ok(Json((&by.find(&agent::row(id)).await?).into()))
}
