//! `POST dynamic-secrets/{secretId}/update` and `/delete`: changes, pauses, resumes or ends a schedule. The secret stays.

use axum::extract::State;
use crypto::{Charset, Generator};
use edge::answer::Done;
use edge::{Body, Code, Error, Ids, Json, Principal, done};
use protocol::SecretId;
use rules::audit::{Action, Record};
use rules::limits;
use rules::nouns::{Schedule, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use store::{schedule, secret};

use crate::{App, Touched, chosen, field_names, find};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ScheduleUpdate")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Update {
    #[schemars(range(min = *Schedule::INTERVAL.start(), max = *Schedule::INTERVAL.end()))]
    interval_seconds: Option<u64>,
    #[schemars(range(min = *Generator::LENGTH.start(), max = *Generator::LENGTH.end()))]
    length: Option<u64>,
    charset: Option<Charset>,
    /// Which fields rotate; `[]` is all of them.
    fields: Option<Vec<String>>,
    /// False pauses it, true resumes it. One that is late then rotates once.
    enabled: Option<bool>,
}

/// `POST …/update`: what is not given stays. Another interval counts from now.
pub(crate) async fn update(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<SecretId>,
    Body(body): Body<Update>,
) -> Result<Json<Done<Touched>>, Error> {
    let (secret, old) = find(&by, id).await?;
    let mut new = old.clone();
    if let Some(seconds) = body.interval_seconds {
        new.interval_seconds = limits::number("intervalSeconds", seconds, Schedule::INTERVAL)?;
    }
    if new.interval_seconds != old.interval_seconds {
        new.next_rotation_at = by.now.plus_seconds(new.interval_seconds);
    }
    let length = body.length.or_else(|| u64::try_from(old.generator.length).ok());
    new.generator = limits::generator(length, body.charset.or(Some(old.generator.charset)))?;
    if let Some(fields) = body.fields {
        new.fields = chosen(Some(fields), field_names(&secret)?.as_deref())?;
    }
    new.enabled = body.enabled.unwrap_or(old.enabled);
    let what = changed(&old, &new);
    if !what.is_empty() {
        let record =
            by.entry(Action::ScheduleUpdate, format!("Schedule of secret {} {}", secret.name, what.join(", ")));
        app.change(&secret, Some(new), record).await?;
    }
    Ok(done(Touched { secret_id: id }))
}

/// `POST …/delete`: the secret is not rotated any more, and keeps its value.
pub(crate) async fn delete(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<SecretId>,
) -> Result<Json<Done<Touched>>, Error> {
    let (secret, _) = find(&by, id).await?;
    let record = by.entry(Action::ScheduleDelete, format!("Schedule of secret {} deleted", secret.name));
    app.change(&secret, None, record).await?;
    Ok(done(Touched { secret_id: id }))
}

/// What is different, as the audit log says it.
fn changed(old: &Schedule, new: &Schedule) -> Vec<String> {
    let mut what = vec![];
    if old.interval_seconds != new.interval_seconds {
        what.push(format!("rotates every {} s", new.interval_seconds));
    }
    if old.generator != new.generator {
        what.push("makes other values".to_owned());
    }
    if old.fields != new.fields {
        what.push("rotates other fields".to_owned());
    }
    if old.enabled != new.enabled {
        what.push(if new.enabled { "resumed" } else { "paused" }.to_owned());
    }
    what
}

impl App {
    async fn change(&self, secret: &Secret, to: Option<Schedule>, record: Record) -> Result<(), Error> {
        let new = Secret { schedule: to, ..secret.clone() };
        let (was_due, is_due) = (schedule::due(secret), schedule::due(&new));
        let mut write = self.store.transaction();
        let change = secret::row(secret.id).change().set(secret::SCHEDULE, &new.schedule);
        let as_it_was = write.change(change.only_if(secret::SCHEDULE.is(&secret.schedule)));
        let is_same = was_due.as_ref().map(|due| due.at) == is_due.as_ref().map(|due| due.at);
        if let Some(due) = was_due.filter(|_| !is_same) {
            write.delete(&store::Put::key(&due));
        }
        if let Some(due) = is_due.filter(|_| !is_same) {
            write.put(&due);
        }
        if let (Some(listed), None) = (schedule::listed(secret), &new.schedule) {
            write.delete(&store::Put::key(&listed));
        }
        write.record(&record.secret(secret.id).project(secret.project));
        if write.commit_unless_refused(as_it_was).await? {
            Ok(())
        } else {
            Err(Error::new(
                Code::ChangedMeanwhile,
                "The schedule changed at the same time, or rotated the secret; try again",
            ))
        }
    }
}
