//! AI agents: the tokens they register with, their states, scopes and allowlists; and what every principal may ask,
//! `whoami` and the SDKs.

mod agents;
mod bootstrap_tokens;
mod names;
mod rights;
mod sdks;
mod states;
mod whoami;

use std::sync::Arc;

use edge::{Base, Config, Routes};
use protocol::AgentId;
use rules::scope::Needs;
use rules::scope::Scope::{AgentsRead, AgentsWrite};
use schemars::JsonSchema;
use serde::Serialize;
use store::{Audit, Lists};

#[derive(Clone)]
struct App {
    store: Lists,
    audit: Audit,
    config: Arc<Config>,
}

/// The function's routes.
pub fn routes(base: &Base) -> Routes {
    let store = base.store.lists();
    let app = App { audit: store.audit(), store, config: base.config.clone() };
    Routes::of("manage-agents")
        .managed(base)
        .get("whoami", Needs::Nothing, whoami::whoami)
        .get("ai-agents", AgentsRead, agents::list)
        .post("ai-agents/query", AgentsRead, agents::query)
        .get("ai-agents/{agentId}", AgentsRead, agents::one)
        .get("ai-agents/{agentId}/name-history", AgentsRead, names::history)
        .post("ai-agents/{agentId}/rename", AgentsWrite, names::rename)
        .post("ai-agents/{agentId}/approve", AgentsWrite, states::approve)
        .post("ai-agents/{agentId}/deny", AgentsWrite, states::deny)
        .post("ai-agents/{agentId}/disable", AgentsWrite, states::disable)
        .post("ai-agents/{agentId}/enable", AgentsWrite, states::enable)
        .post("ai-agents/{agentId}/revoke", AgentsWrite, states::revoke)
        .post("ai-agents/{agentId}/scopes", Needs::Person, rights::scopes)
        .post("ai-agents/{agentId}/projects", Needs::Person, rights::projects)
        .post("agent-bootstrap-tokens", Needs::Person, bootstrap_tokens::create)
        .get("sdks", Needs::Nothing, sdks::list)
        .get("sdks/{sdkId}", Needs::Nothing, sdks::one)
        .with_state(app)
}

/// The agent that an action touched.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChangedAgent")]
#[serde(rename_all = "camelCase")]
struct Touched {
    agent_id: AgentId,
}
