//! `POST /v1/ai-bootstrap/register`: uses a token up and registers an AI agent, pending, with what a person has fixed for
//! it when they made the token.

use axum::extract::State;
use crypto::{PublicKey, TokenHash, random};
use edge::body::SMALL;
use edge::{Attempts, Base, Body, Clock, Error, Json, Routes, SourceAddress};
use protocol::{AgentId, VaultId};
use rules::audit::{Action, ActorKind, Origin};
use rules::limits::{self, NAME};
use rules::lockout::Guessed;
use rules::nouns::Agent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Store, token};

#[derive(Clone)]
struct App {
    store: Store,
    attempts: Attempts,
    clock: Clock,
}

/// The function's route.
pub fn routes(base: &Base) -> Routes {
    let app = App { store: base.store.clone(), attempts: base.attempts(), clock: base.clock.clone() };
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
    let origin = Origin {
        vault: agent.vault,
        owner: agent.owner,
        actor: ActorKind::External,
        address: Some(from.ip()),
        at: now,
    };
    let detail = format!("AI agent {} ({}) registered and waits for approval", agent.name, agent.id);
    let mut write = app.store.transaction();
    let used = write.delete_existing(&token::agent_bootstrap(&token.hash));
    write.put_new(&agent);
    write.record(&origin.entry(Action::AgentRegister, detail));
    if !write.commit_unless_refused(used).await? {
        // Somebody else was faster with the same token.
        return Err(Error::unauthenticated());
    }
    Ok(Json(Registered { agent_id: agent.id, name: agent.name, vault_id: agent.vault }))
}
