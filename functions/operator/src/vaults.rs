//! `POST /v1/operator/vaults/query`: all vaults, in the order in which they were made: whose each is, its plan, and how much of it
//! is used.

use std::collections::BTreeMap;

use axum::extract::State;
use edge::listing::{Page, Pager};
use edge::paging::SIZE_LIMIT;
use edge::{Body, Error, Json, Person};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use protocol::VaultId;
use rules::Time;
use rules::nouns::Vault;
use rules::plan::Counted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{StoreError, person, vault};

use crate::App;

/// Vaults whose counts are read at the same time.
const AT_ONCE: usize = 16;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "VaultQuery")]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Vaults {
    vaults: Vec<VaultView>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Vault")]
#[serde(rename_all = "camelCase")]
struct VaultView {
    vault_id: VaultId,
    /// Null of an owner who is gone.
    owner_name: Option<String>,
    plan: String,
    usage: Used,
    created_at: Time,
}

/// How much a vault has of what plans limit.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Used {
    projects: u64,
    secrets: u64,
    machines: u64,
    ai_agents: u64,
}

pub(crate) async fn query(
    State(app): State<App>,
    person: Person,
    Body(query): Body<Query>,
) -> Result<Json<Page<Vaults>>, Error> {
    app.for_operator(&person).await?;
    let (mut pager, every) = (Pager::page(query.limit, query.cursor.as_deref())?, vault::every());
    while let Some(rows) = pager.next(&app.store, &every).await? {
        let keys: Vec<_> = rows.iter().map(|(_, entry)| vault::row(entry.vault)).collect();
        let found: Vec<Vault> = app.store.get_all(&keys).await?;
        let owners: Vec<_> = found.iter().map(|vault| person::row(vault.owner)).collect();
        let owners = app.store.get_all(&owners).await?.into_iter().map(|user| (user.id, user.username));
        let names: BTreeMap<_, _> = owners.collect();
        let views = found.into_iter().map(|vault| {
            let name = names.get(&vault.owner).cloned();
            app.view(vault, name)
        });
        let mut views: BTreeMap<VaultId, VaultView> = stream::iter(views.collect::<Vec<_>>())
            .buffer_unordered(AT_ONCE)
            .map_ok(|view| (view.vault_id, view))
            .try_collect()
            .await?;
        for (place, entry) in rows {
            if let Some(view) = views.remove(&entry.vault) {
                pager.take(place, view);
            }
        }
    }
    Ok(pager.end().page(|vaults| Vaults { vaults }))
}

impl App {
    async fn view(&self, vault: Vault, owner_name: Option<String>) -> Result<VaultView, StoreError> {
        let counts = self.store.usage(vault.id).await?;
        let used = |of| counts.get(&of).map_or(0, |usage| usage.used);
        let usage = Used {
            projects: used(Counted::Projects),
            secrets: used(Counted::Secrets),
            machines: used(Counted::Machines),
            ai_agents: used(Counted::AiAgents),
        };
        let plan = vault.plan_name().to_owned();
        Ok(VaultView { vault_id: vault.id, owner_name, plan, usage, created_at: vault.created_at })
    }
}
