//! `GET usage`: the plan's limits and how much of them is used. There is one plan so far, without limits.

use axum::extract::State;
use edge::{Error, Json, Principal};
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;

/// One limit; without a number there is none.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UsageLimit")]
struct Limit {
    used: usize,
    limit: Option<usize>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Usage {
    plan: &'static str,
    projects: Limit,
    secrets: Limit,
    machines: Limit,
    ai_agents: Limit,
    enrollment_tokens: Limit,
}

pub(crate) async fn usage(State(app): State<App>, by: Principal) -> Result<Json<Usage>, Error> {
    let stats = Box::pin(app.stats(&by)).await?;
    let limit = |used| Limit { used, limit: None };
    Ok(Json(Usage {
        plan: "unlimited",
        projects: limit(stats.projects),
        secrets: limit(stats.secrets),
        machines: limit(stats.machines),
        ai_agents: limit(stats.ai_agents),
        enrollment_tokens: limit(stats.enrollment_tokens),
    }))
}
