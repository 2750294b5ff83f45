//! `GET dynamic-secrets`, `POST …/query` and `GET …/{secretId}`: secrets with a schedule, in the order in which the schedules
//! were made, over all projects that the principal may see.

use std::collections::HashMap;

use axum::extract::State;
use crypto::Charset;
use edge::listing::{Page, Pager, Whole};
use edge::paging::SIZE_LIMIT;
use edge::{Body, Error, Ids, Json, Principal};
use protocol::{ProjectId, SecretId};
use rules::Time;
use rules::names::NameFilter;
use rules::nouns::{Schedule, Secret, SecretKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{schedule, secret};

use crate::{App, find};

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Schedules")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Schedules {
    dynamic_secrets: Vec<ScheduleView>,
}

impl Schedules {
    fn of(dynamic_secrets: Vec<ScheduleView>) -> Self {
        Self { dynamic_secrets }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ScheduleQuery")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Query {
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
    /// The whole name of the secret, in any letter case. Secrets of several projects can have it.
    name: Option<String>,
    project_id: Option<ProjectId>,
    /// Those that are on; or, with `false`, those that are paused.
    enabled: Option<bool>,
}

/// A secret with a schedule.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Schedule")]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScheduleView {
    secret_id: SecretId,
    name: String,
    project_id: ProjectId,
    #[serde(rename = "type")]
    kind: SecretKind,
    interval_seconds: u64,
    length: usize,
    charset: Charset,
    /// Those of a structured secret that rotate; null for all, and for any other secret.
    fields: Option<Vec<String>>,
    enabled: bool,
    last_rotated_at: Option<Time>,
    next_rotation_at: Time,
    created_at: Time,
}

impl ScheduleView {
    fn of(secret: Secret, schedule: Schedule) -> Self {
        Self {
            secret_id: secret.id,
            name: secret.name,
            project_id: secret.project,
            kind: secret.kind,
            interval_seconds: schedule.interval_seconds,
            length: schedule.generator.length,
            charset: schedule.generator.charset,
            fields: schedule.fields,
            enabled: schedule.enabled,
            last_rotated_at: schedule.last_rotated_at,
            next_rotation_at: schedule.next_rotation_at,
            created_at: schedule.created_at,
        }
    }
}

/// `GET dynamic-secrets`.
pub(crate) async fn list(State(app): State<App>, by: Principal) -> Result<Json<Whole<Schedules>>, Error> {
    Ok(app.page(&by, Pager::whole(), |_, _| true).await?.end().whole(Schedules::of))
}

/// `POST …/query`: the same a page at a time; by name, by project, on or paused.
pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Body(query): Body<Query>,
) -> Result<Json<Page<Schedules>>, Error> {
    let pager = Pager::page(query.limit, query.cursor.as_deref())?;
    let name = NameFilter::of(query.name.as_deref());
    let wanted = |secret: &Secret, schedule: &Schedule| {
        query.project_id.is_none_or(|project| project == secret.project)
            && query.enabled.is_none_or(|enabled| enabled == schedule.enabled)
            && name.takes(&secret.name)
    };
    Ok(app.page(&by, pager, wanted).await?.end().page(Schedules::of))
}

/// `GET …/{secretId}`.
pub(crate) async fn one(by: Principal, Ids(id): Ids<SecretId>) -> Result<Json<ScheduleView>, Error> {
    let (secret, schedule) = find(&by, id).await?;
    Ok(Json(ScheduleView::of(secret, schedule)))
}

impl App {
    async fn page(
        &self,
        by: &Principal,
        mut pager: Pager<ScheduleView>,
        wanted: impl Fn(&Secret, &Schedule) -> bool + Send,
    ) -> Result<Pager<ScheduleView>, Error> {
        let of_vault = schedule::of_vault(by.vault);
        while let Some(rows) = pager.next(&self.store, &of_vault).await? {
            let keys: Vec<_> = rows.iter().map(|(_, listed)| secret::row(listed.secret)).collect();
            let mut found: HashMap<_, _> =
                by.find_all(&keys).await?.into_iter().map(|secret| (secret.id, secret)).collect();
            for (place, listed) in rows {
                let secret = found.remove(&listed.secret);
                let scheduled = secret.and_then(|secret| secret.schedule.clone().map(|schedule| (secret, schedule)));
                if let Some((secret, schedule)) = scheduled.filter(|(secret, schedule)| wanted(secret, schedule)) {
                    pager.take(place, ScheduleView::of(secret, schedule));
                }
            }
        }
        Ok(pager)
    }
}
