//! `GET audit/actions`: the catalogue of everything that is recorded.

use edge::{Json, Principal};
use schemars::JsonSchema;
use serde::Serialize;
use vault::audit::{Action, ActorKind, Category, Severity};

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditCatalogue")]
pub(crate) struct Catalogue {
    actions: Vec<CatalogueEntry>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditAction")]
struct CatalogueEntry {
    action: Action,
    severity: Severity,
    category: Category,
    actors: &'static [ActorKind],
}

pub(crate) async fn actions(_: Principal) -> Json<Catalogue> {
    let entry = |action: &Action| {
        let entry = action.entry();
        CatalogueEntry { action: *action, severity: entry.severity, category: entry.category, actors: entry.actors }
    };
    Json(Catalogue { actions: Action::ALL.iter().map(entry).collect() })
}
