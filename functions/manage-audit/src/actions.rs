//! `GET audit/actions`: the catalogue of everything that is recorded.

use edge::{Json, Principal};
use rules::audit::{Action, ActorKind, Category, Severity};
use schemars::JsonSchema;
use serde::Serialize;

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
        let kind = action.kind();
        CatalogueEntry { action: *action, severity: kind.severity, category: kind.category, actors: kind.actors }
    };
    Json(Catalogue { actions: Action::ALL.iter().map(entry).collect() })
}
