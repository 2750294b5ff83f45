//! `POST projects/{projectId}/machines/query`: the machines in a project, searched, sorted, a page at a time.

use std::collections::HashMap;
use store::{Place, StoreError, grant, machine, member, project};

use axum::extract::State;
use edge::listing::{Page, Pager};
use edge::paging::{Direction, Paged, Range, SIZE_LIMIT, is_by_cursor};
use edge::{Body, Error, Ids, Json, Principal};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use protocol::{MachineId, ProjectId};
use rules::Time;
use rules::names::{NameFilter, folded};
use rules::nouns::{Machine, MachineKind, MachineState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::App;

/// Machines of a page whose grants are counted at the same time.
const COUNTED_AT_ONCE: usize = 16;

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
    /// With this or a cursor, pages go by cursor and in the order in which the machines joined.
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
    /// The whole name, in any letter case.
    name: Option<String>,
    kind: Option<MachineKind>,
    state: Option<MachineState>,
    /// Those that did nothing for 30 days; or, with `false`, the others.
    unused: Option<bool>,
}

impl Query {
    /// Whether a machine is one of those that are asked for.
    fn wants(&self, machine: &Machine, now: Time) -> bool {
        let search = self.search.as_deref().map(folded).unwrap_or_default();
        (folded(&machine.name).contains(&search) || machine.id.to_string().starts_with(&search))
            && NameFilter::of(self.name.as_deref()).takes(&machine.name)
            && self.kind.is_none_or(|kind| kind == machine.kind)
            && self.state.is_none_or(|state| state == machine.state(now))
            && self.unused.is_none_or(|unused| unused == now.is_unused(machine.last_seen_at, machine.created_at))
    }
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

/// A page of a project's machines, by its number.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NumberedProjectMachines")]
pub(crate) struct Numbered {
    machines: Vec<Member>,
    #[serde(flatten)]
    page: Paged,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProjectMachines")]
pub(crate) struct Members {
    machines: Vec<Member>,
}

/// A project's machines: by cursor if that was asked for, else by page number.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "QueriedProjectMachines")]
#[serde(untagged)]
pub(crate) enum Queried {
    Page(Page<Members>),
    Numbered(Numbered),
}

impl Member {
    fn of(machine: Machine, added_at: Time, secret_count: usize) -> Self {
        Self {
            id: machine.id,
            name: machine.name,
            kind: machine.kind,
            approved: machine.approved,
            enabled: machine.enabled,
            expires_at: machine.expires_at,
            added_at,
            secret_count,
        }
    }
}

pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
    Body(query): Body<Query>,
) -> Result<Json<Queried>, Error> {
    if is_by_cursor(query.limit, query.cursor.as_deref(), query.page, query.page_size)? {
        let Json(page) = app.page_of_members(&by, project, &query).await?;
        return Ok(Json(Queried::Page(page)));
    }
    Ok(Json(Queried::Numbered(app.numbered_members(&by, project, query).await?)))
}

impl App {
    async fn page_of_members(
        &self,
        by: &Principal,
        project: ProjectId,
        query: &Query,
    ) -> Result<Json<Page<Members>>, Error> {
        let mut pager = Pager::page(query.limit, query.cursor.as_deref())?.backward(query.sort_dir == Direction::Desc);
        if !matches!(query.sort_by, SortBy::Added) {
            return Err(Error::invalid("sortBy", "must be added where pages go by cursor"));
        }
        by.find(&project::row(project)).await?;
        let members = member::of_project(project);
        while let Some(rows) = pager.next(&self.store, &members).await? {
            let keys: Vec<_> = rows.iter().map(|(_, membership)| machine::row(membership.machine)).collect();
            let found = by.find_all(&keys).await?.into_iter().filter(|machine| query.wants(machine, by.now));
            let mut found: HashMap<_, _> = found.map(|machine| (machine.id, machine)).collect();
            let rows =
                rows.into_iter().filter_map(|(place, row)| Some((place, row.added_at, found.remove(&row.machine)?)));
            let count = |(place, added_at, machine): (Place, Time, Machine)| async move {
                let grants = self.store.count(grant::of_machine(machine.id, Some(project))).await?;
                Ok::<_, StoreError>((place, Member::of(machine, added_at, grants)))
            };
            let counted: Vec<_> =
                stream::iter(rows.take(pager.left()).map(count)).buffered(COUNTED_AT_ONCE).try_collect().await?;
            for (place, member) in counted {
                pager.take(place, member);
            }
        }
        Ok(pager.end().page(|machines| Members { machines }))
    }

    async fn numbered_members(&self, by: &Principal, project: ProjectId, query: Query) -> Result<Numbered, Error> {
        let range = Range::checked(query.page, query.page_size)?;
        by.find(&project::row(project)).await?;
        let memberships = self.store.all(member::of_project(project)).await?;
        let keys: Vec<_> = memberships.iter().map(|membership| machine::row(membership.machine)).collect();
        let mut added: HashMap<_, _> = memberships.into_iter().map(|row| (row.machine, row.added_at)).collect();
        let mut counts: HashMap<MachineId, usize> = HashMap::new();
        for grant in self.store.all(grant::of_project(project, None)).await? {
            *counts.entry(grant.machine).or_default() += 1;
        }
        let found = by.find_all(&keys).await?.into_iter().filter(|machine| query.wants(machine, by.now));
        let mut members: Vec<Member> = found
            .filter_map(|machine| {
                let (added_at, grants) = (added.remove(&machine.id)?, counts.remove(&machine.id).unwrap_or_default());
                Some(Member::of(machine, added_at, grants))
            })
            .collect();
        match query.sort_by {
            SortBy::Name => members.sort_by_key(|member| (folded(&member.name), member.id)),
            SortBy::Added => members.sort_by_key(|member| (member.added_at, member.id)),
            SortBy::SecretCount => members.sort_by_key(|member| (member.secret_count, member.id)),
        }
        let (machines, page) = range.page(query.sort_dir.of(members));
        Ok(Numbered { machines, page })
    }
}
