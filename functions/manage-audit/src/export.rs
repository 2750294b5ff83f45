//! `POST audit/export`: matching records as CSV (RFC 4180), newest first, at most 10,000 rows and 4 MiB.
//!
//! When there are more, the headers `X-SikkerKey-Truncated: true` and `X-SikkerKey-Cursor` say so; with that `cursor` the next
//! export goes on. Texts that a spreadsheet would take for a
//! formula get an apostrophe before them: names in them are chosen by machines.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use edge::answer::{Csv, File};
use edge::openapi::{Answers, Operation};
use edge::{Body, Error, Principal};
use http::HeaderName;
use protocol::{AgentId, MachineId, ProjectId, SecretId, UserId};
use rules::Time;
use rules::audit::{Action, ActorKind, Record, Severity};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::App;
use crate::search::{FOUND, Filter, cursor};

/// Most bytes: with its envelope an answer has to stay below the 6 MB that Lambda lets through.
const BYTES: usize = 4 * 1_024 * 1_024;
/// The columns.
const HEADER: [&str; 11] = [
    "timestamp",
    "action",
    "severity",
    "actorKind",
    "userId",
    "machineId",
    "aiAgentId",
    "secretId",
    "sourceIp",
    "detail",
    "actorUserId",
];

/// Says that there are more.
const TRUNCATED: HeaderName = HeaderName::from_static("x-sikkerkey-truncated");
/// Where they begin.
const CURSOR: HeaderName = HeaderName::from_static("x-sikkerkey-cursor");

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AuditExport")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Ask {
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
    /// `X-SikkerKey-Cursor` of the export before.
    cursor: Option<String>,
}

pub(crate) struct Table(File<Csv>);

impl IntoResponse for Table {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl Answers for Table {
    fn describe(operation: &mut Operation<'_>) {
        File::<Csv>::describe(operation);
        operation.answers_header(TRUNCATED.as_str(), "`true` if there are more.");
        operation.answers_header(CURSOR.as_str(), "Where they begin: the `cursor` of the next export.");
    }
}

pub(crate) async fn export(State(app): State<App>, by: Principal, Body(ask): Body<Ask>) -> Result<Table, Error> {
    let filter = Filter {
        actions: ask.actions,
        severities: ask.severities,
        source_ip: ask.source_ip,
        search: ask.search,
        from: ask.from,
        to: ask.to,
        secret_id: ask.secret_id,
        machine_id: ask.machine_id,
        project_id: ask.project_id,
        ai_agent_id: ask.ai_agent_id,
        actor_kind: ask.actor_kind,
        actor_user_id: ask.actor_user_id,
    };
    let search = filter.checked()?;
    // One more than is given says whether there are others.
    let found = app.find(&by, &search, cursor(ask.cursor)?, false, FOUND + 1).await?;
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let broken = |error: csv::Error| Error::internal(error.to_string());
    csv.write_record(HEADER).map_err(broken)?;
    let (mut rows, mut bytes) = (0_usize, 0_usize);
    let mut last = None;
    for (cursor, record) in found.records.iter().take(FOUND) {
        let row = row(record);
        bytes += row.iter().map(|text| carried(text)).sum::<usize>();
        if bytes > BYTES {
            break;
        }
        csv.write_record(row).map_err(broken)?;
        rows += 1;
        last = Some(cursor.clone());
    }
    let whole = found.all && rows == found.records.len();
    let text = csv.into_inner().map_err(|error| Error::internal(error.to_string()))?;
    app.audit.record(&by.entry(Action::AuditExport, format!("{rows} records exported as CSV"))).await?;
    let table = File::new(text.into());
    // After the last row; or where the search stopped, if it went on without finding more.
    let whole_of_found = rows == found.records.len();
    let cursor = if whole_of_found { found.stopped_at.or(last) } else { last };
    Ok(Table(match cursor.filter(|_| !whole) {
        None => table,
        Some(cursor) => table.with_header(TRUNCATED, "true").with_header(CURSOR, &cursor),
    }))
}

fn row(record: &Record) -> [String; 11] {
    let kind = record.action.kind();
    let text = |id: Option<String>| id.unwrap_or_default();
    [
        record.timestamp.ms().to_string(),
        kind.name.to_owned(),
        record.severity.name().to_owned(),
        record.actor_kind.name().to_owned(),
        record.user_id.to_string(),
        text(record.machine_id.map(|id| id.to_string())),
        text(record.ai_agent_id.map(|id| id.to_string())),
        text(record.secret_id.map(|id| id.to_string())),
        record.source_ip.clone(),
        plain(&record.detail),
        text(record.actor_user_id.map(|id| id.to_string())),
    ]
}

/// How long a cell is at most in the envelope of JSON that Lambda carries: a quote is doubled for CSV, and each escaped.
fn carried(text: &str) -> usize {
    let escaped = text.bytes().filter(|byte| matches!(byte, b'"' | b'\\') || byte.is_ascii_control()).count();
    text.len() + 5 * escaped + 8
}

/// A text that no spreadsheet takes for a formula.
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}
