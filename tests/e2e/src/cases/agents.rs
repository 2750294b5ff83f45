//! AI agents, and what every principal may ask.

use rules::audit::Action;
use serde_json::json;

use super::topics::{AGENTS, CALLERS, about};
use super::{Case, get, post};

pub(super) fn cases() -> Vec<Case> {
    let callers = [get("getCaller", "whoami"), get("listSdks", "sdks"), get("getSdk", "sdks/{sdkId}")];
    [about(CALLERS, callers), about(AGENTS, agents())].concat()
}

fn agents() -> Vec<Case> {
    vec![
        get("listAgents", "ai-agents").given("agentId"),
        post("queryAgents", "ai-agents/query").example(json!({ "state": "pending" })).given("agentId"),
        get("getAgent", "ai-agents/{agentId}"),
        get("listAgentNames", "ai-agents/{agentId}/name-history"),
        post("renameAgent", "ai-agents/{agentId}/rename")
            .body(json!({ "name": "assistant" }))
            .effect(Action::AgentRename),
        post("approveAgent", "ai-agents/{agentId}/approve")
            .naming("agentId", "pendingAgent")
            .effect(Action::AgentApprove),
        post("denyAgent", "ai-agents/{agentId}/deny").naming("agentId", "pendingAgent").effect(Action::AgentDeny),
        post("disableAgent", "ai-agents/{agentId}/disable").effect(Action::AgentDisable),
        post("enableAgent", "ai-agents/{agentId}/enable")
            .naming("agentId", "disabledAgent")
            .effect(Action::AgentEnable),
        post("revokeAgent", "ai-agents/{agentId}/revoke").effect(Action::AgentRevoke),
        post("setAgentScopes", "ai-agents/{agentId}/scopes")
            .body(json!({ "scopes": ["trash.read"] }))
            .effect(Action::AgentScopesUpdate),
        post("setAgentProjects", "ai-agents/{agentId}/projects")
            .body(json!({ "projectIds": ["$projectId"] }))
            .effect(Action::AgentProjectsUpdate),
        post("createAgentBootstrapToken", "agent-bootstrap-tokens")
            .body(json!({ "name": "assistant", "scopes": ["audit.read"] }))
            .effect(Action::AgentTokenCreate),
    ]
}
