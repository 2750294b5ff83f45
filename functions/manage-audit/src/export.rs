//! `POST audit/export`: matching records as CSV (RFC 4180), newest first, at most 10,000 rows and 4 MiB.
//!
//! When there are more, the header `X-SikkerKey-Truncated: true` says so. Texts that a spreadsheet would take for a
//! formula get an apostrophe before them: names in them are chosen by machines.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use edge::answer::{Csv, File};
use edge::openapi::{Answers, Operation};
use edge::{Body, Error, Principal};
use http::HeaderName;
use rules::audit::{Action, Record};

use crate::App;
use crate::search::{FOUND, Filter};

/// Most bytes: with its envelope an answer has to stay below the 6 MB that Lambda lets through.
const BYTES: usize = 4 * 1_024 * 1_024;
/// The columns.
const HEADER: [&str; 10] = [
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
];

/// Says that there are more.
const TRUNCATED: HeaderName = HeaderName::from_static("x-sikkerkey-truncated");

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
    }
}

pub(crate) async fn export(State(app): State<App>, by: Principal, Body(filter): Body<Filter>) -> Result<Table, Error> {
    let search = filter.checked()?;
    // One more than is given says whether there are others.
    let found = app.find(&by, &search, None, FOUND + 1).await?;
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let broken = |error: csv::Error| Error::internal(error.to_string());
    csv.write_record(HEADER).map_err(broken)?;
    let (mut rows, mut bytes) = (0_usize, 0_usize);
    for (_, record) in found.records.iter().take(FOUND) {
        let row = row(record);
        bytes += row.iter().map(|text| carried(text)).sum::<usize>();
        if bytes > BYTES {
            break;
        }
        csv.write_record(row).map_err(broken)?;
        rows += 1;
    }
    let whole = found.all && rows == found.records.len();
    let text = csv.into_inner().map_err(|error| Error::internal(error.to_string()))?;
    app.audit.record(&by.entry(Action::AuditExport, format!("{rows} records exported as CSV"))).await?;
    let table = File::new(text.into());
    Ok(Table(if whole { table } else { table.with_header(TRUNCATED, "true") }))
}

fn row(record: &Record) -> [String; 10] {
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
