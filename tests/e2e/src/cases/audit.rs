//! The audit log, read.

use rules::audit::Action;
use serde_json::json;

use super::topics::{AUDIT_LOG, about};
use super::{Case, get, post};

/// A moment in epoch milliseconds.
const EXAMPLE_TIME: u64 = 1_767_225_600_000;

pub(super) fn cases() -> Vec<Case> {
    let cases = [
        post("queryAuditLog", "audit/query")
            .example(json!({ "actions": ["secret_read_denied"], "from": EXAMPLE_TIME, "pageSize": 100 })),
        post("exportAuditLog", "audit/export")
            .example(json!({ "severities": ["high", "critical"], "from": EXAMPLE_TIME }))
            .effect(Action::AuditExport),
        get("listAuditActions", "audit/actions"),
        get("listActivity", "activity"),
        get("getStats", "stats"),
        post("countReads", "stats/reads-over-time").example(json!({ "from": EXAMPLE_TIME, "bucket": "day" })),
        get("getUsage", "usage"),
    ];
    about(AUDIT_LOG, cases)
}
