//! Canaries: secrets that nobody has a reason to read. A read trips one, and its project is frozen.

mod change;
mod create;
mod list;

use edge::seal::Seal;
use edge::{Base, Routes};
use protocol::SecretId;
use rules::scope::Scope::{PoliciesRead, PoliciesWrite};
use schemars::JsonSchema;
use serde::Serialize;
use store::Lists;

#[derive(Clone)]
struct App {
    store: Lists,
    seal: Seal,
}

/// The function's routes.
pub fn routes(base: &Base, seal: Seal) -> Routes {
    let app = App { store: base.store.lists(), seal };
    Routes::of("manage-canaries")
        .managed(base)
        .get("projects/{projectId}/canaries", PoliciesRead, list::list)
        .post("projects/{projectId}/canaries/query", PoliciesRead, list::query)
        .post("canaries", PoliciesWrite, create::create)
        .get("canaries/{canaryId}", PoliciesRead, list::one)
        .post("canaries/{canaryId}/config", PoliciesWrite, change::config)
        .post("canaries/{canaryId}/enable", PoliciesWrite, change::enable)
        .post("canaries/{canaryId}/disable", PoliciesWrite, change::disable)
        .with_state(app)
}

/// The canary that an action touched.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChangedCanary")]
#[serde(rename_all = "camelCase")]
struct Touched {
    canary_id: SecretId,
}
