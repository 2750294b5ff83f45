//! `GET activity`: the last 20 records, in short.

use axum::extract::State;
use edge::{Error, Json, Principal};
use rules::Time;
use rules::audit::{Action, ActorKind, Record, Severity};
use schemars::JsonSchema;
use serde::Serialize;
use store::audit::Ask;

use crate::App;

/// How many.
const RECENT: usize = 20;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ActivityEntry")]
#[serde(rename_all = "camelCase")]
struct Row {
    action: Action,
    severity: Severity,
    actor_kind: ActorKind,
    detail: String,
    timestamp: Time,
}

impl From<Record> for Row {
    fn from(record: Record) -> Self {
        Self {
            action: record.action,
            severity: record.severity,
            actor_kind: record.actor_kind,
            detail: record.detail,
            timestamp: record.timestamp,
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Activity {
    events: Vec<Row>,
}

pub(crate) async fn activity(State(app): State<App>, by: Principal) -> Result<Json<Activity>, Error> {
    let newest = app.audit.page(Ask::all(by.vault), RECENT).await?;
    Ok(Json(Activity { events: newest.into_iter().map(|(_, record)| record.into()).collect() }))
}
