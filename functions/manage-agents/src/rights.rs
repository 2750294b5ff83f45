//! `POST ai-agents/{agentId}/scopes` and `/projects`: what an agent may do and where. For people only, so that no agent can
//! widen its own rights or another's. Both replace the whole set, and bite at the next call.

use std::collections::BTreeSet;

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Error, Ids, Json, Principal, done};
use protocol::{AgentId, ProjectId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Update, agents, vaults};
use vault::audit::{Action, Record};
use vault::limits::AGENT_PROJECTS;
use vault::scope::Scope;

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AgentScopes")]
#[serde(deny_unknown_fields)]
pub(crate) struct NewScopes {
    scopes: BTreeSet<Scope>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReplacedAgentScopes")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scoped {
    agent_id: AgentId,
    scopes: BTreeSet<Scope>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReplacedAgentProjects")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Allowed {
    agent_id: AgentId,
    restricted: bool,
    project_ids: BTreeSet<ProjectId>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AgentProjects")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewProjects {
    /// None means all of the vault.
    project_ids: BTreeSet<ProjectId>,
}

/// Checks an allowlist: its projects have to be in the vault. An empty one means no restriction.
pub(crate) async fn allowlist(
    by: &Principal,
    projects: BTreeSet<ProjectId>,
) -> Result<Option<BTreeSet<ProjectId>>, Error> {
    if projects.len() > AGENT_PROJECTS {
        return Err(Error::invalid("projectIds", format!("must list at most {AGENT_PROJECTS} projects")));
    }
    let keys: Vec<_> = projects.iter().map(|id| vaults::project(*id)).collect();
    if by.find_all(&keys).await?.len() != projects.len() {
        return Err(Error::not_found("Project"));
    }
    Ok((!projects.is_empty()).then_some(projects))
}

/// The names of scopes, for records.
pub(crate) fn names(scopes: &BTreeSet<Scope>) -> String {
    if scopes.is_empty() { "none".to_owned() } else { scopes.iter().map(|s| s.name()).collect::<Vec<_>>().join(", ") }
}

/// `POST …/scopes`: what an agent may do.
pub(crate) async fn scopes(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<AgentId>,
    Body(body): Body<NewScopes>,
) -> Result<Json<Done<Scoped>>, Error> {
    let agent = by.find(&agents::agent(id)).await?;
    if body.scopes != agent.scopes {
        let detail = format!("The scopes of AI agent {} ({id}) are now: {}", agent.name, names(&body.scopes));
        let change = Update::existing(&agents::agent(id)).set("scopes", &body.scopes)?;
        app.write(change, &by.record(Action::AgentScopesUpdate, detail)).await?;
    }
    Ok(done(Scoped { agent_id: id, scopes: body.scopes }))
}

/// `POST …/projects`: which projects an agent may see.
pub(crate) async fn projects(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<AgentId>,
    Body(body): Body<NewProjects>,
) -> Result<Json<Done<Allowed>>, Error> {
    let agent = by.find(&agents::agent(id)).await?;
    let projects = allowlist(&by, body.project_ids).await?;
    if projects != agent.projects {
        let reach =
            projects.as_ref().map_or("all projects".to_owned(), |projects| format!("{} projects", projects.len()));
        let change = Update::existing(&agents::agent(id)).set_or_remove("projects", projects.as_ref())?;
        let detail = format!("AI agent {} ({id}) may now see {reach}", agent.name);
        app.write(change, &by.record(Action::AgentProjectsUpdate, detail)).await?;
    }
    Ok(done(Allowed {
        agent_id: id,
        restricted: projects.is_some(),
        project_ids: projects.unwrap_or_default().into_iter().collect(),
    }))
}

impl App {
    async fn write(&self, change: Update, record: &Record) -> Result<(), Error> {
        let mut write = self.store.transaction();
        let there = write.update(change);
        write.record(record);
        let written = write.commit_unless_refused(there).await?;
        written.then_some(()).ok_or_else(|| Error::not_found("Agent"))
    }
}
