//! `POST /v1/manage/audit/query`: the vault's records, newest first, a page at a time.
//!
//! Pages are told by a cursor. One page looks back over at most a month, so a page may be short or empty and still
//! name a next one.

use axum::extract::State;
use edge::{Body, Error, Json, Person};
use protocol::{MachineId, ProjectId, SecretId, UserId};
use serde::{Deserialize, Serialize};
use store::vaults;
use vault::Time;
use vault::audit::{Action, ActorKind, Record, Severity};
use vault::limits;

use crate::App;

/// Records on a page when nothing else is asked for.
const PAGE: u64 = 50;
/// Most records on a page.
const PAGE_LIMIT: u64 = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Query {
    /// `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    page_size: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    entries: Vec<Entry>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: String,
    action: Action,
    severity: Severity,
    actor_kind: ActorKind,
    user_id: UserId,
    machine_id: Option<MachineId>,
    secret_id: Option<SecretId>,
    project_id: Option<ProjectId>,
    source_ip: String,
    detail: String,
    timestamp: Time,
}

fn entry((id, record): (String, Record)) -> Entry {
    Entry {
        id,
        action: record.action,
        severity: record.severity,
        actor_kind: record.actor_kind,
        user_id: record.user_id,
        machine_id: record.machine_id,
        secret_id: record.secret_id,
        project_id: record.project_id,
        source_ip: record.source_ip,
        detail: record.detail,
        timestamp: record.timestamp,
    }
}

pub(crate) async fn query(
    State(app): State<App>,
    person: Person,
    Body(query): Body<Query>,
) -> Result<Json<Page>, Error> {
    let size = limits::number("pageSize", query.page_size.unwrap_or(PAGE), 1..=PAGE_LIMIT)?;
    let well_formed = |cursor: &String| {
        cursor.len() <= 32 && cursor.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') && cursor.contains('-')
    };
    if !query.cursor.as_ref().is_none_or(well_formed) {
        return Err(Error::invalid("cursor", "must be the nextCursor of the page before"));
    }
    let vault = app.store.get(&vaults::vault(person.vault)).await?.ok_or_else(|| Error::not_found("Vault"))?;
    let audit = app.store.audit();
    // One past the present: records of this very moment are in the log too.
    let now = Time::from_ms(person.now.ms() + 1);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let page = audit.page(vault.id, query.cursor.as_deref(), vault.created_at, now, size).await?;
    Ok(Json(Page { entries: page.records.into_iter().map(entry).collect(), next_cursor: page.next }))
}
