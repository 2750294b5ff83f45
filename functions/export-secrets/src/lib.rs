//! `POST /v1/secrets/export`: the values of every granted secret that the gate admits.
//!
//! Each secret is judged on its own. A refused one is left out and recorded as `secret_read_denied`, a served one as
//! `secret_read`; the nonce's row records the export. All records are written before a value leaves.

use std::collections::BTreeSet;

use axum::extract::State;
use crypto::Plaintext;
use edge::answer::SecretJson;
use edge::{Asker, Base, Code, Error, Gate, Opener, READ_TRIES, Refusing, Routes, SignedBody};
use protocol::bodies::ExportScope;
use protocol::{ProjectId, SecretId};
use rules::Time;
use rules::audit::{Action, Record};
use rules::nouns::Machine;
use rules::read_gate::{Admitted, Effect, Refusal, Target, admit, admit_to_project};
use rules::signer::Refused as _;
use schemars::JsonSchema;
use serde::Serialize;
use store::grant::Granted;
use store::value::CurrentValue;
use store::{Batch, CommitError, KeyRing, Store, Values, backoff};

/// Most bytes of one export as a function gives it to the gateway: its JSON as a text inside of JSON. Lambda takes 6 MB
/// (6,291,556 bytes) with the headers.
const EXPORT_BYTES: usize = 6_000_000;
/// What each secret costs there beside its texts: its id, the names of four fields, quotes.
const SECRET_BYTES: usize = 160;
/// Values read at once: DynamoDB gives at most 16 MB in a batch, and a value takes up to 64 KiB.
const VALUES_AT_ONCE: usize = 50;

#[derive(Clone)]
struct App {
    gate: Gate,
    opener: Opener,
    store: Store,
}

/// The function's route.
pub fn routes(base: &Base, values: Values, keys: KeyRing) -> Routes {
    let app = App { gate: Gate::new(base), opener: Opener::new(base, values, keys), store: base.store.clone() };
    Routes::of("export-secrets").post("/v1/secrets/export", export).with_state(app)
}

#[derive(Serialize, JsonSchema)]
struct Export<'a> {
    secrets: Vec<ExportedSecret<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedSecret<'a> {
    id: SecretId,
    name: &'a str,
    value: &'a str,
    field_names: Option<&'a str>,
}

async fn export(State(app): State<App>, signed: SignedBody<ExportScope>) -> Result<SecretJson<Export<'static>>, Error> {
    let scope = async |machine: &Machine| app.scope(machine, &signed).await;
    let admitted = app.gate.admit(&signed.request, Action::SecretExport, "Secrets exported", scope).await?;
    let (asker, scope) = admitted;
    let now = asker.now;
    let mut granted = app.store.granted(asker.machine.id, scope).await?;
    app.store.bring_policies(&mut granted).await?;
    let (served, mut records) = judge(&asker, &granted);
    let values = app.values(&served).await?;
    // Canaries last, and their projects stay frozen for others: what was admitted before is served all the same.
    let all = served.into_iter().zip(values).enumerate();
    let (canaries, others): (Vec<_>, Vec<_>) = all.partition(|(_, (admitted, _))| admitted.trips());
    let (mut kept, mut frozen) = (vec![], BTreeSet::new());
    for (place, (admitted, value)) in others.into_iter().chain(canaries) {
        if app.bring_about(&asker, &admitted, &mut frozen, &mut records).await? {
            kept.push((place, (admitted, value)));
        }
    }
    kept.sort_by_key(|(place, _)| *place);
    let (served, values): (Vec<_>, Vec<_>) = kept.into_iter().map(|(_, served)| served).unzip();
    let opened = app.open(&served, values, now).await?;
    let answer = answer(&served, &opened)?;

    // Everything that could still fail comes before the answer leaves.
    app.store.audit().record_all(records).await?;
    let delivered = served.iter().zip(&opened).map(|(admitted, (_, version))| (admitted.grant.clone(), *version));
    app.store.note_deliveries(delivered.collect()).await?;
    Ok(answer)
}

/// Judges each granted secret: those admitted, and the records of the refused.
fn judge<'a>(asker: &Asker, granted: &'a [Granted]) -> (Vec<Admitted<'a>>, Vec<Record>) {
    let mut served = Vec::new();
    let mut records = Vec::new();
    for row in granted {
        match admit(&asker.machine, &row.target(), asker.moment()) {
            Ok(admitted) => served.push(admitted),
            Err(refusal) => records.push(denied(asker, refusal, row.grant.secret, row.grant.project)),
        }
    }
    (served, records)
}

fn denied(asker: &Asker, refusal: Refusal, secret: SecretId, project: ProjectId) -> Record {
    asker.entry(Action::SecretReadDenied, refusal.reason()).secret(secret).project(project)
}

impl App {
    /// The one project asked for, if any: it has to be there, the machine in it, and not frozen.
    async fn scope(&self, machine: &Machine, signed: &SignedBody<ExportScope>) -> Result<Option<ProjectId>, Refusing> {
        let text = match signed.body()? {
            ExportScope { project_id: Some(text), .. } => text,
            // There are no applications yet, so every application is unknown.
            ExportScope { application_id: Some(_), .. } => return Err(Error::not_found("Application").into()),
            ExportScope { .. } => return Ok(None),
        };
        let id: ProjectId = text.parse().map_err(|_| Refusing::ByGate(Refusal::ProjectNotFound))?;
        let (project, membership) = self.store.project_and_membership(machine.id, id).await?;
        let target = Target { project: project.as_ref(), membership: membership.as_ref(), ..Target::default() };
        Ok(Some(admit_to_project(machine, &target).map_err(Refusing::ByGate)?.id))
    }

    /// The sealed values of the admitted secrets, in their order; no more than fit an export.
    async fn values(&self, served: &[Admitted<'_>]) -> Result<Vec<Option<CurrentValue>>, Error> {
        let mut values = Vec::with_capacity(served.len());
        let mut bytes = 0;
        for some in served.chunks(VALUES_AT_ONCE) {
            let keys: Vec<_> = some.iter().map(|admitted| self.opener.current(admitted.secret.id)).collect();
            let mut batch = Batch::new();
            batch.want_all(&keys);
            let mut fetched = self.store.fetch(batch).await?;
            for key in &keys {
                let value = fetched.take(key)?;
                bytes += value.as_ref().map_or(0, |value| value.0.sealed.value.plaintext_len());
                values.push(value);
            }
            if bytes > EXPORT_BYTES {
                return Err(too_large());
            }
        }
        Ok(values)
    }

    /// Writes what a read brings about, in one transaction with its record. False if it is refused by now, because others were
    /// counted since, or tripped over a canary. `frozen` are the projects that this export has frozen.
    async fn bring_about(
        &self,
        asker: &Asker,
        admitted: &Admitted<'_>,
        frozen: &mut BTreeSet<ProjectId>,
        records: &mut Vec<Record>,
    ) -> Result<bool, Error> {
        let (secret, project, at) = (admitted.secret.id, admitted.project.id, asker.moment());
        let text = if admitted.trips() { "Canary read in an export" } else { "Secret read in an export" };
        let read = asker.entry(admitted.action(), text).secret(secret).project(project);
        let mut effect = admitted.effect(at);
        for tried in 1..READ_TRIES {
            let Some(mut brings) = effect else {
                records.push(read);
                return Ok(true);
            };
            if let Effect::Trips { freezes } = &mut brings {
                *freezes &= !frozen.contains(&project);
            }
            let mut write = self.store.transaction();
            write.record(&read);
            store::bring_about(&mut write, &brings, admitted, asker.origin());
            match write.commit().await {
                Ok(()) => {
                    if brings == (Effect::Trips { freezes: true }) {
                        frozen.insert(project);
                    }
                    return Ok(true);
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(CommitError::Refused(_) | CommitError::Conflict) => backoff(tried).await,
            }
            let mut granted = self.store.granted(asker.machine.id, Some(project)).await?;
            granted.retain(|row| row.grant.secret == secret);
            self.store.bring_policies(&mut granted).await?;
            let target = granted.first().map(Granted::target);
            match admit(&asker.machine, &target.unwrap_or_default(), at) {
                Ok(admitted) => effect = admitted.effect(at),
                Err(refusal) => {
                    records.push(denied(asker, refusal, secret, project));
                    return Ok(false);
                }
            }
        }
        Err(Error::unavailable("Too many read one of these secrets at this moment, try again"))
    }

    /// The values in clear, with their versions.
    async fn open(
        &self,
        served: &[Admitted<'_>],
        values: Vec<Option<CurrentValue>>,
        now: Time,
    ) -> Result<Vec<(Plaintext, u64)>, Error> {
        let mut opened = Vec::with_capacity(served.len());
        for (admitted, value) in served.iter().zip(values) {
            opened.push(self.opener.open(admitted.project, admitted.secret, value, now).await?);
        }
        Ok(opened)
    }
}

fn too_large() -> Error {
    let text = "The values are larger than 6 MB together, export one project at a time";
    Error::new(Code::AnswerTooLarge, text)
}

fn answer(served: &[Admitted<'_>], opened: &[(Plaintext, u64)]) -> Result<SecretJson<Export<'static>>, Error> {
    let mut secrets = Vec::with_capacity(served.len());
    let mut size = 0;
    for (admitted, (value, _)) in served.iter().zip(opened) {
        let text = value.expose_str().ok_or_else(|| Error::internal("a stored value is not UTF-8"))?;
        let field_names = admitted.secret.field_names.as_deref();
        size +=
            escaped_len(text) + escaped_len(&admitted.secret.name) + field_names.map_or(0, escaped_len) + SECRET_BYTES;
        secrets.push(ExportedSecret { id: admitted.secret.id, name: &admitted.secret.name, value: text, field_names });
    }
    if size > EXPORT_BYTES {
        return Err(too_large());
    }
    Ok(edge::answer::secret_json(&Export { secrets }, size))
}

/// How long a text is as a JSON string in a JSON string: a quote is `\\\"` there, a control character `\\u001f` at most.
fn escaped_len(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' => 4,
        0..=0x1f => 7,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_an_export_fits_an_event() {
        for text in ["plain", "\"quoted\"", "back\\slash", "\u{1f}\n\u{0}", "\u{e4}\u{1f511}"] {
            let secret = ExportedSecret {
                id: SecretId::from_entropy([1; 16]),
                name: text,
                value: text,
                field_names: Some(r#"["USER","PASSWORD"]"#),
            };
            let field_names = secret.field_names.map_or(0, escaped_len);
            let counted = 2 * escaped_len(text) + field_names + SECRET_BYTES;
            let json = serde_json::to_string(&secret).unwrap();
            let in_event = serde_json::to_string(&json).unwrap().len();
            assert!((in_event..in_event + 100).contains(&counted), "{text:?}: {counted} for {in_event}");
        }
    }
}
