//! `POST ai-agents/{agentId}/scopes` and `/projects`: what an agent may do and where. For people only, so that no agent can
//! widen its own rights or another's. Both replace the whole set, and bite at the next call.

use std::collections::BTreeSet;

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Error, Ids, Json, Principal, done};
use protocol::{AgentId, ProjectId};
use rules::audit::{Action, Record};
use rules::nouns::{AGENT_PROJECTS, Agent};
use rules::scope::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, agent, project};

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
    let keys: Vec<_> = projects.iter().map(|id| project::row(*id)).collect();
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
    let agent = by.find(&agent::row(id)).await?;
    if body.scopes != agent.scopes {
        by.step_up()?;
        let detail = format!("The scopes of AI agent {} ({id}) are now: {}", agent.name, names(&body.scopes));
        let change = agent::row(id).change().set(agent::SCOPES, &body.scopes);
        app.write(change, &by.entry(Action::AgentScopesUpdate, detail)).await?;
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
    let agent = by.find(&agent::row(id)).await?;
    let projects = allowlist(&by, body.project_ids).await?;
    if projects != agent.projects {
        by.step_up()?;
        let reach =
            projects.as_ref().map_or("all projects".to_owned(), |projects| format!("{} projects", projects.len()));
        let change = agent::row(id).change().set(agent::PROJECTS, &projects);
        let detail = format!("AI agent {} ({id}) may now see {reach}", agent.name);
        app.write(change, &by.entry(Action::AgentProjectsUpdate, detail)).await?;
    }
    Ok(done(Allowed {
        agent_id: id,
        restricted: projects.is_some(),
        project_ids: projects.unwrap_or_default().into_iter().collect(),
    }))
}

impl App {
    async fn write(&self, change: Change<Agent>, record: &Record) -> Result<(), Error> {
        let mut write = self.store.transaction();
        let there = write.change(change);
        write.record(record);
        let written = write.commit_unless_refused(there).await?;
        written.then_some(()).ok_or_else(|| Error::not_found("Agent"))
    }
}
