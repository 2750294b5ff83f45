//! `POST /v1/secrets/export`: the values of every granted secret that the gate admits.
//!
//! Each secret is judged on its own. A refused one is left out and recorded as `secret_read_denied`, a served one as
//! `secret_read`; the nonce's row records the export. All records are written before a value leaves.

use axum::extract::State;
use axum::response::Response;
use edge::{Error, Gate, Opener, Routes, Services, SignedRequest, answer};
use http::StatusCode;
use protocol::bodies::ExportScope;
use protocol::{ProjectId, SecretId};
use serde::Serialize;
use store::values::CurrentValue;
use store::vaults::Granted;
use store::{Batch, Store, Values};
use vault::Time;
use vault::audit::{Action, Record};
use vault::model::Machine;
use vault::read_gate::{Admitted, Refusal, Target, admit, admit_to_project, authenticate};

/// Most bytes of values in one export (5 MiB): the answer has to fit what a Lambda function may return, 6 MB.
const EXPORT_BYTES: usize = 5 * 1_024 * 1_024;

#[derive(Clone)]
struct App {
    gate: Gate,
    values: Values,
    opener: Opener,
    store: Store,
}

/// The function's route.
pub fn routes(services: &Services) -> Routes {
    let app = App {
        gate: Gate::new(services),
        values: services.store.values(),
        opener: Opener::new(services.keys.clone()),
        store: services.store.clone(),
    };
    Routes::of("export-secrets").post("/v1/secrets/export", export).with_state(app)
}

#[derive(Serialize)]
struct Export<'a> {
    secrets: Vec<ExportedSecret<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedSecret<'a> {
    id: SecretId,
    name: &'a str,
    value: &'a str,
    field_names: Option<&'a str>,
}

async fn export(State(app): State<App>, request: SignedRequest) -> Result<Response, Error> {
    let facts = app.gate.facts(&request).await?;
    let now = app.gate.now();
    let signed_text = request.signed_text();
    let verdict = authenticate(&facts.caller(&request, &signed_text), now).map(|who| who.machine);

    // The scope is looked at only for a machine that has shown who it is, and its refusal burns the nonce too.
    let scoped = match verdict {
        Ok(machine) => app.scope(machine, &request).await.map(|scope| (machine, scope)),
        Err(refusal) => Err(Refused::ByGate(refusal)),
    };
    let (verdict, record) = match &scoped {
        Ok(_) => (Ok(()), facts.record(&request, now, Action::SecretExport, "Secrets exported")),
        Err(Refused::Other(_)) => (Ok(()), None),
        Err(Refused::ByGate(refusal)) if refusal.is_authentication_failure() => (Err(*refusal), None),
        Err(Refused::ByGate(refusal)) => {
            (Err(*refusal), facts.record(&request, now, Action::SecretReadDenied, refusal.reason()))
        }
    };
    app.gate.settle(&request, &facts, now, verdict, record).await?;
    let (machine, scope) = scoped.map_err(Refused::into_error)?;

    let granted = app.store.granted(machine.id, scope).await?;
    let (served, records) = judge(machine, &granted, |action, detail| facts.record(&request, now, action, detail));
    let values = app.values(&served).await?;
    app.store.audit().record_all(&records).await?;
    app.open(&served, values, now).await
}

/// Why a scope is not exported.
enum Refused {
    ByGate(Refusal),
    Other(Error),
}

impl Refused {
    fn into_error(self) -> Error {
        match self {
            Self::ByGate(refusal) => refusal.into(),
            Self::Other(error) => error,
        }
    }
}

/// Judges each granted secret: those admitted, and the records of all.
fn judge<'a>(
    machine: &Machine,
    granted: &'a [Granted],
    record: impl Fn(Action, &str) -> Option<Record>,
) -> (Vec<Admitted<'a>>, Vec<Record>) {
    let mut served = Vec::new();
    let mut records = Vec::new();
    for row in granted {
        let written = match admit(machine, &row.target()) {
            Ok(admitted) => {
                served.push(admitted);
                record(Action::SecretRead, "Secret read by export")
            }
            Err(refusal) => record(Action::SecretReadDenied, refusal.reason()),
        };
        records.extend(written.map(|record| record.secret(row.grant.secret).project(row.grant.project)));
    }
    (served, records)
}

impl App {
    /// The one project asked for, if any: it has to be there, the machine in it, and not frozen.
    async fn scope(&self, machine: &Machine, request: &SignedRequest) -> Result<Option<ProjectId>, Refused> {
        let scope: ExportScope = request.json().map_err(Refused::Other)?;
        let text = match scope {
            ExportScope { project_id: Some(text), .. } => text,
            // There are no applications yet, so every application is unknown.
            ExportScope { application_id: Some(_), .. } => return Err(Refused::Other(Error::not_found("Application"))),
            ExportScope { .. } => return Ok(None),
        };
        let id: ProjectId = text.parse().map_err(|_| Refused::ByGate(Refusal::ProjectNotFound))?;
        let place = self.store.project_and_membership(machine.id, id).await;
        let (project, membership) = place.map_err(|error| Refused::Other(error.into()))?;
        let target = Target { project: project.as_ref(), membership: membership.as_ref(), ..Target::default() };
        admit_to_project(machine, &target).map(|project| Some(project.id)).map_err(Refused::ByGate)
    }

    /// The sealed values of the admitted secrets, in their order.
    async fn values(&self, served: &[Admitted<'_>]) -> Result<Vec<Option<CurrentValue>>, Error> {
        let keys: Vec<_> = served.iter().map(|admitted| self.values.current(admitted.secret.id)).collect();
        let mut batch = Batch::new();
        batch.want_all(&keys);
        let mut fetched = self.store.fetch(batch).await?;
        let values = keys.iter().map(|key| fetched.take(key)).collect::<Result<Vec<_>, _>>()?;
        let bytes: usize = values.iter().flatten().map(|value| value.0.sealed.value.plaintext_len()).sum();
        if bytes > EXPORT_BYTES {
            let text = "The values are larger than 5 MiB together, export one project at a time";
            return Err(Error::new(StatusCode::PAYLOAD_TOO_LARGE, text));
        }
        Ok(values)
    }

    /// Opens and answers.
    async fn open(
        &self,
        served: &[Admitted<'_>],
        values: Vec<Option<CurrentValue>>,
        now: Time,
    ) -> Result<Response, Error> {
        let mut opened = Vec::with_capacity(served.len());
        for (admitted, value) in served.iter().zip(values) {
            opened.push(self.opener.open(admitted.project, admitted.secret, value, now).await?);
        }
        for (admitted, (_, version)) in served.iter().zip(&opened) {
            // Only poll uses this; a note that is lost makes it report the version once more.
            if let Err(error) = self.store.note_delivery(admitted.grant, *version).await {
                tracing::warn!(%error, "delivery not noted");
            }
        }
        let mut secrets = Vec::with_capacity(served.len());
        let mut size = 0;
        for (admitted, (value, _)) in served.iter().zip(&opened) {
            let text = value.expose_str().ok_or_else(|| Error::internal("a stored value is not UTF-8"))?;
            size += text.len() + admitted.secret.name.len() + 64;
            secrets.push(ExportedSecret {
                id: admitted.secret.id,
                name: &admitted.secret.name,
                value: text,
                field_names: admitted.secret.field_names.as_deref(),
            });
        }
        Ok(answer::secret_json(&Export { secrets }, size))
    }
}
