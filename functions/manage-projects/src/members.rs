//! `POST projects/{projectId}/machines/query`: the machines in a project, searched, sorted, a page at a time.

use std::collections::BTreeMap;
use store::{machine, project};

use axum::extract::State;
use edge::paging::{Direction, Paged, Range, SIZE_LIMIT};
use edge::{Body, Error, Ids, Json, Principal};
use protocol::{MachineId, ProjectId};
use rules::Time;
use rules::nouns::MachineKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::App;

#[derive(Deserialize, Default, Clone, Copy, JsonSchema)]
#[schemars(rename = "ProjectMachineOrder")]
#[serde(rename_all = "camelCase")]
enum SortBy {
    Name,
    #[default]
    Added,
    SecretCount,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ProjectMachineQuery")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Query {
    /// Part of the name, in any letter case, or the beginning of the id.
    search: Option<String>,
    #[serde(default)]
    sort_by: SortBy,
    #[serde(default)]
    sort_dir: Direction,
    #[schemars(range(min = 1))]
    page: Option<u64>,
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    page_size: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProjectMachine")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Member {
    id: MachineId,
    name: String,
    kind: MachineKind,
    approved: bool,
    enabled: bool,
    expires_at: Option<Time>,
    added_at: Time,
    /// How many secrets of this project it may read.
    secret_count: usize,
}

/// A page of a project's machines.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProjectMachines")]
pub(crate) struct Members {
    machines: Vec<Member>,
    #[serde(flatten)]
    page: Paged,
}

pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
    Body(query): Body<Query>,
) -> Result<Json<Members>, Error> {
    let range = Range::checked(query.page, query.page_size)?;
    by.find(&project::row(project)).await?;
    let memberships = app.store.members(project).await?;
    let keys: Vec<_> = memberships.iter().map(|membership| machine::row(membership.machine)).collect();
    let mut added: BTreeMap<_, _> = memberships.into_iter().map(|row| (row.machine, row.added_at)).collect();
    let mut counts: BTreeMap<MachineId, usize> = BTreeMap::new();
    for grant in app.store.grants_of(project, None).await? {
        *counts.entry(grant.machine).or_default() += 1;
    }
    let wanted = query.search.unwrap_or_default().to_lowercase();
    let mut members: Vec<Member> = by
        .find_all(&keys)
        .await?
        .into_iter()
        .filter(|machine| machine.name.to_lowercase().contains(&wanted) || machine.id.to_string().starts_with(&wanted))
        .filter_map(|machine| {
            Some(Member {
                id: machine.id,
                name: machine.name,
                kind: machine.kind,
                approved: machine.approved,
                enabled: machine.enabled,
                expires_at: machine.expires_at,
                added_at: added.remove(&machine.id)?,
                secret_count: counts.get(&machine.id).copied().unwrap_or_default(),
            })
        })
        .collect();
    match query.sort_by {
        SortBy::Name => members.sort_by_key(|member| (member.name.to_lowercase(), member.id)),
        SortBy::Added => members.sort_by_key(|member| (member.added_at, member.id)),
        SortBy::SecretCount => members.sort_by_key(|member| (member.secret_count, member.id)),
    }
    let (machines, page) = range.page(query.sort_dir.of(members));
    Ok(Json(Members { machines, page }))
}
