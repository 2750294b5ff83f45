//! The audit log, read: searched, exported, counted.

mod actions;
mod activity;
mod export;
mod query;
mod reads_over_time;
mod search;
mod stats;
mod usage;

use std::sync::Arc;

use edge::{Base, Config, Routes};
use rules::scope::Scope::AuditRead;
use store::{Audit, Lists};

#[derive(Clone)]
struct App {
    store: Lists,
    audit: Audit,
    config: Arc<Config>,
}

/// The function's routes.
pub fn routes(base: &Base) -> Routes {
    let app = App { store: base.store.lists(), audit: base.store.audit(), config: base.config.clone() };
    Routes::of("manage-audit")
        .managed(base)
        .post("audit/query", AuditRead, query::query)
        .post("audit/export", AuditRead, export::export)
        .get("audit/actions", AuditRead, actions::actions)
        .get("activity", AuditRead, activity::activity)
        .get("stats", AuditRead, stats::stats)
        .post("stats/reads-over-time", AuditRead, reads_over_time::reads_over_time)
        .get("usage", AuditRead, usage::usage)
        .with_state(app)
}
