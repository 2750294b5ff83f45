//! `POST dynamic-secrets`: a schedule on a secret that is there, or a new secret with one.

use std::collections::BTreeMap;

use axum::extract::State;
use crypto::{Charset, Generator, Plaintext};
use edge::{Body, Code, Error, Json, Principal};
use protocol::{ProjectId, SecretId};
use rules::audit::Action;
use rules::limits::{self, NAME, TEXT};
use rules::nouns::{Schedule, Secret, SecretKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{schedule, secret};

use crate::{App, chosen, field_names};

/// Of a secret that is there: `secretId`. Of a new one: `projectId` and `name`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewSchedule")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewSchedule {
    #[schemars(range(min = *Schedule::INTERVAL.start(), max = *Schedule::INTERVAL.end()))]
    pub(crate) interval_seconds: u64,
    pub(crate) secret_id: Option<SecretId>,
    pub(crate) project_id: Option<ProjectId>,
    #[schemars(length(min = 1, max = NAME))]
    pub(crate) name: Option<String>,
    #[schemars(length(max = TEXT))]
    pub(crate) note: Option<String>,
    #[schemars(range(min = *Generator::LENGTH.start(), max = *Generator::LENGTH.end()))]
    pub(crate) length: Option<u64>,
    pub(crate) charset: Option<Charset>,
    /// Of a new structured secret, all its fields.
    pub(crate) field_names: Option<Vec<String>>,
    /// Which fields rotate; all but the static ones unless some are named.
    pub(crate) fields: Option<Vec<String>>,
    /// Of a new structured secret, the values of the fields that do not rotate.
    pub(crate) static_fields: Option<BTreeMap<String, Plaintext>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CreatedSchedule")]
pub(crate) struct Created {
    /// The secret's.
    pub(crate) id: SecretId,
    pub(crate) name: String,
}

pub(crate) async fn create(
    State(app): State<App>,
    by: Principal,
    Body(body): Body<NewSchedule>,
) -> Result<Json<Created>, Error> {
    limits::number("intervalSeconds", body.interval_seconds, Schedule::INTERVAL)?;
    match (body.secret_id, body.project_id) {
        (Some(id), None) if body.name.is_none() => app.schedule_existing(&by, id, body).await.map(Json),
        (None, Some(project)) => app.make_scheduled(&by, project, body).await.map(Json),
        (None, None) => Err(Error::invalid("secretId", "must be given, or projectId and name for a new secret")),
        (Some(_), _) => Err(Error::invalid("secretId", "is of a secret that is there; leave projectId and name out")),
    }
}

/// The schedule that is asked for, from now on.
pub(crate) fn schedule_of(by: &Principal, body: &NewSchedule, fields: Option<Vec<String>>) -> Result<Schedule, Error> {
    Ok(Schedule {
        interval_seconds: body.interval_seconds,
        generator: limits::generator(body.length, body.charset)?,
        fields,
        enabled: true,
        last_rotated_at: None,
        next_rotation_at: by.now.plus_seconds(body.interval_seconds),
        created_at: by.now,
    })
}

/// A secret whose value is not to be rotated: 409.
fn refuse_kind(secret: &Secret) -> Result<(), Error> {
    let text = match secret.kind {
        SecretKind::Canary => "The value of a canary cannot be changed",
        SecretKind::Managed => "A managed secret has a rotation of its own",
        SecretKind::Secret | SecretKind::Structured => return Ok(()),
    };
    Err(Error::new(Code::ValueFixed, text))
}

impl App {
    /// A schedule on a secret that is there. It keeps its value until the first rotation.
    async fn schedule_existing(&self, by: &Principal, id: SecretId, body: NewSchedule) -> Result<Created, Error> {
        let of_new_ones = [
            ("note", body.note.is_some()),
            ("fieldNames", body.field_names.is_some()),
            ("staticFields", body.static_fields.is_some()),
        ];
        if let Some((field, _)) = of_new_ones.into_iter().find(|(_, given)| *given) {
            return Err(Error::invalid(field, "is of a new secret; leave it out"));
        }
        let secret = by.find(&secret::row(id)).await?;
        refuse_kind(&secret)?;
        let exists = || Error::new(Code::ScheduleExists, "This secret has a schedule already; update it");
        if secret.schedule.is_some() {
            return Err(exists());
        }
        let fields = chosen(body.fields.clone(), field_names(&secret)?.as_deref())?;
        let schedule = schedule_of(by, &body, fields)?;
        let scheduled = Secret { schedule: Some(schedule), ..secret };
        let mut write = self.store.transaction();
        let change = secret::row(id).change().set(secret::SCHEDULE, &scheduled.schedule);
        let added = write.change(change.only_if(secret::SCHEDULE.absent()));
        schedule::begin(&mut write, &scheduled);
        let detail = format!("Secret {} is rotated every {} s from now on", scheduled.name, body.interval_seconds);
        write.record(&by.entry(Action::ScheduleCreate, detail).secret(id).project(scheduled.project));
        if !write.commit_unless_refused(added).await? {
            return Err(exists());
        }
        Ok(Created { id, name: scheduled.name })
    }
}
