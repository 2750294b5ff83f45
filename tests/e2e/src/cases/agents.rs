//! AI agents, and what every principal may ask.

use serde_json::json;
use vault::audit::Action;

use super::{Case, get, post};

pub(super) fn cases() -> Vec<Case> {
    vec![
        get("whoami"),
        get("sdks"),
        get("sdks/{sdkId}"),
        get("ai-agents").given("agentId"),
        get("ai-agents/{agentId}"),
        get("ai-agents/{agentId}/name-history"),
        post("ai-agents/{agentId}/rename").body(json!({ "name": "n" })).effect(Action::AgentRename),
        post("ai-agents/{agentId}/approve").naming("agentId", "pendingAgent").effect(Action::AgentApprove),
        post("ai-agents/{agentId}/deny").naming("agentId", "pendingAgent").effect(Action::AgentDeny),
        post("ai-agents/{agentId}/disable").effect(Action::AgentDisable),
        post("ai-agents/{agentId}/enable").naming("agentId", "disabledAgent").effect(Action::AgentEnable),
        post("ai-agents/{agentId}/revoke").effect(Action::AgentRevoke),
        post("ai-agents/{agentId}/scopes").body(json!({ "scopes": ["trash.read"] })).effect(Action::AgentScopesUpdate),
        post("ai-agents/{agentId}/projects")
            .body(json!({ "projectIds": ["$projectId"] }))
            .effect(Action::AgentProjectsUpdate),
        post("agent-bootstrap-tokens")
            .body(json!({ "name": "a", "scopes": ["audit.read"] }))
            .effect(Action::AgentTokenCreate),
    ]
}
