//! `POST /v1/ai-bootstrap/register`: uses a token up and registers an AI agent, pending, with what a person has fixed for
//! it when they made the token.

use std::sync::Arc;

use axum::extract::State;
use crypto::{PublicKey, TokenHash, random};
use edge::body::SMALL;
use edge::{Attempts, Base, Body, Clock, Config, Error, Json, Origins, Room, Routes, SourceAddress};
use protocol::{AgentId, VaultId};
use rules::audit::{Action, ActorKind};
use rules::limits::{self, NAME};
use rules::lockout::Guessed;
use rules::nouns::Agent;
use rules::plan::Counted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{CommitError, Store, token, vault};

#[derive(Clone)]
struct App {
    store: Store,
    attempts: Attempts,
    clock: Clock,
    config: Arc<Config>,
    origins: Origins,
}

/// The function's route.
pub fn routes(base: &Base) -> Routes {
    let (store, clock, config) = (base.store.clone(), base.clock.clone(), base.config.clone());
    let app = App { store, attempts: base.attempts(), clock, config, origins: Origins::new(base) };
    Routes::of("bootstrap-agent").post("/v1/ai-bootstrap/register", register).with_state(app)
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AgentRegistration")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Registration {
    /// In either letter case, as a person typed it.
    token: String,
    public_key: String,
    /// Replaces the name that was given with the token.
    name: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RegisteredAgent")]
#[serde(rename_all = "camelCase")]
struct Registered {
    agent_id: AgentId,
    name: String,
    vault_id: VaultId,
}

async fn register(
    State(app): State<App>,
    from: SourceAddress,
    Body(body): Body<Registration, SMALL>,
) -> Result<Json<Registered>, Error> {
    let now = app.clock.now();
    let found = match TokenHash::of_hex(&body.token.to_ascii_lowercase()) {
        Some(hash) => app.store.get(&token::agent_bootstrap(&hash)).await?,
        None => None,
    };
    let Some(token) = found else { return Err(app.attempts.failed(Guessed::Token, from.ip()).await) };
    if token.expires_at <= now {
        return Err(Error::unauthenticated());
    }
    // Checked before the token is used, so that a mistake does not cost it.
    let public_key = PublicKey::from_base64(&body.public_key)
        .map_err(|_| Error::invalid("publicKey", "must be standard base64 of a 32-byte Ed25519 public key"))?;
    let name = match body.name.filter(|name| !name.is_empty()) {
        Some(name) => limits::name("name", &name, NAME)?,
        None => token.name,
    };
    let agent = Agent {
        id: AgentId::from_entropy(random::bytes()),
        vault: token.vault,
        owner: token.owner,
        name,
        public_key,
        approved: false,
        enabled: true,
        scopes: token.scopes,
        projects: token.projects,
        registered_from: Some(from.ip()),
        created_at: now,
    };
    let vault = app.store.get(&vault::row(agent.vault)).await?;
    let vault = vault.ok_or_else(|| Error::internal("a token of no vault"))?;
    let origin = app.origins.of(&vault, ActorKind::External, Some(from.ip()), now);
    let room = Room::of(&app.config.plans, &vault, Counted::AiAgents);
    let detail = format!("AI agent {} ({}) registered and waits for approval", agent.name, agent.id);
    let mut write = app.store.transaction();
    let used = write.delete_existing(&token::agent_bootstrap(&token.hash));
    let has_room = room.take(&mut write, now);
    write.put_new(&agent);
    write.record(&origin.entry(Action::AgentRegister, detail));
    match write.commit().await {
        Ok(()) => {}
        // Somebody else was faster with the same token.
        Err(CommitError::Refused(step)) if step == used => return Err(Error::unauthenticated()),
        Err(CommitError::Refused(step)) if step == has_room => return Err(room.full()),
        Err(error) => return Err(error.into()),
    }
    Ok(Json(Registered { agent_id: agent.id, name: agent.name, vault_id: agent.vault }))
}
