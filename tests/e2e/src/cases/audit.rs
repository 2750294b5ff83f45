//! The audit log, read.

use vault::audit::Action;

use super::{Case, get, post};

pub(super) fn cases() -> Vec<Case> {
    vec![
        post("audit/query"),
        post("audit/export").effect(Action::AuditExport),
        get("audit/actions"),
        get("activity"),
        get("stats"),
        post("stats/reads-over-time"),
        get("usage"),
    ]
}
