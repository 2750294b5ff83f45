//! `POST agent-bootstrap-tokens`: a token that registers one AI agent, with what the agent may do. For people only.

use std::collections::BTreeSet;

use axum::extract::State;
use crypto::{OneTimeToken, TokenHash};
use edge::{Body, Error, Json, Principal};
use protocol::ProjectId;
use rules::Time;
use rules::audit::Action;
use rules::limits::{self, NAME};
use rules::nouns::AgentBootstrapToken;
use rules::scope::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{App, rights};

/// How long a token lives, in seconds (10 minutes).
const LIFETIME_SECONDS: u64 = 600;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewAgentBootstrapToken")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewToken {
    #[schemars(length(min = 1, max = NAME))]
    name: String,
    scopes: BTreeSet<Scope>,
    /// None means all of the vault.
    project_ids: Option<BTreeSet<ProjectId>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AgentBootstrapToken")]
#[serde(rename_all = "camelCase")]
pub(crate) struct MadeToken {
    /// Shown this once.
    token: String,
    expires_at: Time,
    /// What a person types beside the AI client.
    command: String,
}

pub(crate) async fn create(
    State(app): State<App>,
    by: Principal,
    Body(body): Body<NewToken>,
) -> Result<Json<MadeToken>, Error> {
    let name = limits::name("name", &body.name, NAME)?;
    let projects = rights::allowlist(&by, body.project_ids.unwrap_or_default()).await?;
    let token = OneTimeToken::make().to_hex();
    let row = AgentBootstrapToken {
        hash: TokenHash::of_hex(&token).ok_or_else(|| Error::internal("a token of another shape"))?,
        vault: by.vault,
        owner: by.in_vault.owner,
        name,
        scopes: body.scopes,
        projects,
        expires_at: by.now.plus_seconds(LIFETIME_SECONDS),
    };
    let detail =
        format!("Bootstrap token created for AI agent {}, with the scopes: {}", row.name, rights::names(&row.scopes));
    let mut write = app.store.transaction();
    write.put_new(&row);
    write.record(&by.entry(Action::AgentTokenCreate, detail));
    write.commit().await?;
    let command = format!("SIKKERKEY_API_URL={} sikkerkey-mcp install {token}", app.config.url);
    Ok(Json(MadeToken { token, expires_at: row.expires_at, command }))
}
