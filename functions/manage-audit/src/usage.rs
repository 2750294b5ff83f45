//! `GET usage`: the vault's plan, its limits, and how much of them is used.

use axum::extract::State;
use edge::{Error, Json, Principal};
use rules::nouns::EnrollmentToken;
use rules::plan::Counted;
use schemars::JsonSchema;
use serde::Serialize;
use store::token;

use crate::App;

/// One limit; without a number there is none.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UsageLimit")]
struct Limit {
    used: u64,
    limit: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Usage {
    /// The plan's name.
    plan: String,
    projects: Limit,
    /// Those not in the trash.
    secrets: Limit,
    /// Pending ones too, until they are removed or have expired.
    machines: Limit,
    ai_agents: Limit,
    /// Those that can still be used.
    enrollment_tokens: Limit,
    /// Those that are switched off too.
    webhook_count: Limit,
    /// Those of today, by the clock of UTC.
    webhook_deliveries_per_day: Limit,
    /// Whether the plan has webhooks.
    webhooks: bool,
    /// Whether the plan has alert mails.
    alerts: bool,
    /// Whether the plan has an IP allowlist.
    ip_allowlist: bool,
    /// How many days audit records are kept that are written now.
    audit_retention_days: u64,
}

pub(crate) async fn usage(State(app): State<App>, by: Principal) -> Result<Json<Usage>, Error> {
    let (counts, tokens, deliveries) = tokio::try_join!(
        app.store.usage(by.vault),
        app.store.all(token::of_vault(by.vault)),
        app.store.deliveries_today(by.vault, by.now),
    )?;
    let (plans, vault) = (&app.config.plans, &*by.in_vault);
    let plan = plans.of(vault);
    let limit = |of, used| Limit { used, limit: plan.limit(of) };
    let counted = |of| limit(of, counts.get(&of).map_or(0, |usage| usage.used));
    Ok(Json(Usage {
        plan: vault.plan_name().to_owned(),
        projects: counted(Counted::Projects),
        secrets: counted(Counted::Secrets),
        machines: counted(Counted::Machines),
        ai_agents: counted(Counted::AiAgents),
        enrollment_tokens: limit(Counted::EnrollmentTokens, EnrollmentToken::usable(&tokens, by.now)),
        webhook_count: counted(Counted::Webhooks),
        webhook_deliveries_per_day: Limit { used: deliveries.used, limit: plan.webhook_deliveries_per_day },
        webhooks: plan.webhooks,
        alerts: plan.alerts,
        ip_allowlist: plan.ip_allowlist,
        audit_retention_days: plans.kept_days(vault),
    }))
}
