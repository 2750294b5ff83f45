//! `POST audit/query`: the vault's records, searched, a page at a time.
//!
//! By number (`page`, up to 10,000 records), or from a cursor (`nextCursor` of the page before), in order of time, either way
//! round, and without that limit. `total` counts the matches as far as they were looked at: it is all of them if
//! `totalIsExact`.

use std::collections::{BTreeSet, HashMap};

use axum::extract::State;
use edge::paging::{Direction, Paged, Range, SIZE_LIMIT};
use edge::{Body, Error, Json, Principal};
use protocol::{AgentId, MachineId, ProjectId, SecretId, UserId};
use rules::Time;
use rules::audit::{ActorKind, Record, Severity, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Batch, agent, machine, person};

use crate::App;
use crate::search::{FOUND, Filter, cursor};

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(rename = "AuditOrder")]
#[serde(rename_all = "camelCase")]
enum SortBy {
    #[default]
    Timestamp,
    Action,
    Severity,
    SourceIp,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AuditQuery")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Query {
    // The fields of a Filter. Flattened, a mistake in one of them could not be named.
    actions: Option<BTreeSet<String>>,
    severities: Option<BTreeSet<Severity>>,
    source_ip: Option<String>,
    search: Option<String>,
    from: Option<Time>,
    to: Option<Time>,
    secret_id: Option<SecretId>,
    machine_id: Option<MachineId>,
    project_id: Option<ProjectId>,
    ai_agent_id: Option<AgentId>,
    actor_kind: Option<ActorKind>,
    actor_user_id: Option<UserId>,
    #[serde(default)]
    sort_by: SortBy,
    /// `desc` unless given.
    sort_dir: Option<Direction>,
    #[schemars(range(min = 1))]
    page: Option<u64>,
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    page_size: Option<u64>,
    /// `nextCursor` of the page before, in order of time.
    cursor: Option<String>,
}

/// One record.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
#[serde(rename_all = "camelCase")]
struct Entry {
    /// The record's cursor.
    id: String,
    #[serde(flatten)]
    record: View,
    /// The name of who acted, if they are still there.
    actor_name: Option<String>,
}

/// A page of records.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditPage")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    entries: Vec<Entry>,
    #[serde(flatten)]
    paged: Paged,
    total_is_exact: bool,
    next_cursor: Option<String>,
}

pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Body(query): Body<Query>,
) -> Result<Json<Page>, Error> {
    let range = Range::checked(query.page, query.page_size)?;
    let filter = Filter {
        actions: query.actions,
        severities: query.severities,
        source_ip: query.source_ip,
        search: query.search,
        from: query.from,
        to: query.to,
        secret_id: query.secret_id,
        machine_id: query.machine_id,
        project_id: query.project_id,
        ai_agent_id: query.ai_agent_id,
        actor_kind: query.actor_kind,
        actor_user_id: query.actor_user_id,
    };
    let search = filter.checked()?;
    let after = cursor(query.cursor)?;
    let by_time = query.sort_by == SortBy::Timestamp;
    let oldest_first = by_time && query.sort_dir == Some(Direction::Asc);
    if after.is_some() && !(by_time && range.is_first()) {
        return Err(Error::invalid("cursor", "works only in order of time; leave out sortBy and page"));
    }
    // One more than the page ends with says whether there are others; another order needs all there are.
    let most = if by_time { range.end() + 1 } else { FOUND + 1 };
    let mut found = app.find(&by, &search, after, oldest_first, most).await?;
    if !by_time && !found.all {
        return Err(Error::invalid("sortBy", "cannot sort this many records; narrow the search, or leave sortBy out"));
    }
    match query.sort_by {
        SortBy::Timestamp => {}
        // Sorting is stable, so within equals the newest comes first, or last when the order is turned round.
        SortBy::Action => found.records.sort_by_key(|(_, record)| record.action.kind().name),
        SortBy::Severity => found.records.sort_by_key(|(_, record)| record.severity),
        SortBy::SourceIp => found.records.sort_by(|(_, one), (_, other)| one.source_ip.cmp(&other.source_ip)),
    }
    // Time is in the order in which it was found, the others in rising order.
    if !by_time && query.sort_dir != Some(Direction::Asc) {
        found.records.reverse();
    }
    let (records, paged) = range.page(found.records);
    let last = records.last().map(|(cursor, _)| cursor.clone());
    let ended = found.all && paged.is_last();
    let next_cursor = if by_time && !ended { last.or(found.stopped_at) } else { None };
    Ok(Json(Page { entries: app.entries(&by, records).await?, paged, total_is_exact: found.all, next_cursor }))
}

impl App {
    /// Records with the names of who acted.
    async fn entries(&self, by: &Principal, records: Vec<(String, Record)>) -> Result<Vec<Entry>, Error> {
        let of = |kind| records.iter().map(|(_, record)| record).filter(move |record| record.actor_kind == kind);
        let machines: BTreeSet<_> = of(ActorKind::Machine).filter_map(|record| record.machine_id).collect();
        let acting: BTreeSet<_> = of(ActorKind::AiAgent).filter_map(|record| record.ai_agent_id).collect();
        let owner = person::row(by.in_vault.owner);
        let mut batch = Batch::new();
        batch.want(&owner);
        for id in &machines {
            batch.want(&machine::row(*id));
        }
        for id in &acting {
            batch.want(&agent::row(*id));
        }
        let mut found = by.find_batch(batch).await?;
        let owner = found.take(&owner)?.map(|user| user.username);
        let mut names: HashMap<String, String> = HashMap::new();
        for id in machines {
            names.extend(found.take(&machine::row(id))?.map(|machine| (id.to_string(), machine.name)));
        }
        for id in acting {
            names.extend(found.take(&agent::row(id))?.map(|agent| (id.to_string(), agent.name)));
        }
        let entry = |(id, record): (String, Record)| Entry {
            id,
            actor_name: match record.actor_kind {
                // So far nobody but the owner is in a vault.
                ActorKind::User => owner.clone(),
                ActorKind::Machine => record.machine_id.and_then(|id| names.get(&id.to_string()).cloned()),
                ActorKind::AiAgent => record.ai_agent_id.and_then(|id| names.get(&id.to_string()).cloned()),
                ActorKind::System => Some("SikkerKey".to_owned()),
                ActorKind::External => None,
            },
            record: record.into(),
        };
        Ok(records.into_iter().map(entry).collect())
    }
}
