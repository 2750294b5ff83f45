//! `GET whoami`: who asks, and what they may do. An agent also sees what it did last.

use std::collections::BTreeSet;

use axum::extract::State;
use edge::{Error, Json, Principal, Who};
use protocol::{AgentId, ProjectId, UserId, VaultId};
use rules::audit::View;
use rules::scope::Scope;
use schemars::JsonSchema;
use serde::Serialize;
use store::audit::{Ask, Part};

use crate::App;

/// How many of its records an agent sees.
const RECENT: usize = 20;

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum WhoAmI {
    #[schemars(title = "CallingAgent")]
    #[serde(rename_all = "camelCase")]
    Agent {
        #[schemars(extend("const" = "ai_agent"))]
        kind: &'static str,
        id: AgentId,
        name: String,
        vault_id: VaultId,
        approved: bool,
        enabled: bool,
        scopes: BTreeSet<Scope>,
        /// Whether it may see the projects of its allowlist only.
        restricted: bool,
        project_ids: BTreeSet<ProjectId>,
        recent: Vec<View>,
    },
    #[schemars(title = "CallingPerson")]
    #[serde(rename_all = "camelCase")]
    Person {
        #[schemars(extend("const" = "user"))]
        kind: &'static str,
        id: UserId,
        name: String,
        email: String,
        vault_id: VaultId,
        owner: bool,
    },
}

pub(crate) async fn whoami(State(app): State<App>, by: Principal) -> Result<Json<WhoAmI>, Error> {
    Ok(Json(match by.who {
        Who::Person(user) => WhoAmI::Person {
            kind: "user",
            id: user.id,
            name: user.username.clone(),
            email: user.email.clone(),
            vault_id: by.vault,
            owner: user.id == by.in_vault.owner,
        },
        Who::Agent(agent) => WhoAmI::Agent {
            kind: "ai_agent",
            id: agent.id,
            name: agent.name.clone(),
            vault_id: by.vault,
            approved: agent.approved,
            enabled: agent.enabled,
            scopes: agent.scopes.clone(),
            restricted: agent.projects.is_some(),
            project_ids: agent.projects.clone().unwrap_or_default(),
            recent: recent(&app, by.vault, agent.id).await?,
        },
    }))
}

async fn recent(app: &App, vault: VaultId, agent: AgentId) -> Result<Vec<View>, Error> {
    let newest = app.audit.page(Ask { part: Part::Agent(agent), ..Ask::all(vault) }, RECENT).await?;
    Ok(newest.into_iter().map(|(_, record)| record.into()).collect())
}
