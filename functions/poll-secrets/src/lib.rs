//! `POST /v1/secrets/poll`: what changed for this machine since it last read.
//!
//! The request carries no versions: change is judged against the version last delivered to this machine, which is
//! kept on its grant. A poll is not a read: it delivers no value and is not audited. What is temporary (a freeze, what a
//! policy refuses) is not reported, because clients stop watching for good on `access_denied`.

use std::collections::{BTreeMap, HashMap};

use axum::extract::State;
use edge::{Base, Clock, Code, Error, Gate, Json, Routes, SignedBody};
use protocol::SecretId;
use protocol::bodies::{Change, ChangeStatus, Watch};
use rules::nouns::{Grant, Machine, Secret};
use rules::policies::Denied;
use rules::read_gate::{Moment, Refusal, admit};
use schemars::JsonSchema;
use serde::Serialize;
use store::grant::Granted;
use store::secret;
use store::{Batch, Store};

#[derive(Clone)]
struct App {
    gate: Gate,
    store: Store,
    clock: Clock,
}

/// The function's route.
pub fn routes(base: &Base) -> Routes {
    let app = App { gate: Gate::new(base), store: base.store.clone(), clock: base.clock.clone() };
    Routes::of("poll-secrets").post("/v1/secrets/poll", poll).with_state(app)
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SecretChanges")]
struct Changes {
    changes: BTreeMap<String, Change>,
}

async fn poll(State(app): State<App>, signed: SignedBody<Watch>) -> Result<Json<Changes>, Error> {
    let machine = app.gate.admit_unaudited(&signed.request).await?;
    let Watch { watch } = signed.body()?;
    if watch.len() > Watch::LIMIT {
        let text = format!("watch must list at most {} ids", Watch::LIMIT);
        return Err(Error::new(Code::Invalid, text));
    }

    let mut granted = app.store.granted(machine.id, None).await?;
    app.store.bring_policies(&mut granted).await?;
    let granted: HashMap<SecretId, Granted> = granted.into_iter().map(|row| (row.grant.secret, row)).collect();
    let at = Moment { address: signed.request.address, now: app.clock.now() };
    let others = app.ungranted(&machine, &watch, &granted).await?;

    let mut changes = BTreeMap::new();
    let mut first_seen = Vec::new();
    for text in watch {
        let id: Option<SecretId> = text.parse().ok();
        let row = id.and_then(|id| granted.get(&id));
        let status = match row {
            Some(row) => news(&machine, row, at, &mut first_seen),
            None if id.is_some_and(|id| others.contains_key(&id)) => Some(ChangeStatus::AccessDenied),
            None => Some(ChangeStatus::Deleted),
        };
        if let Some(status) = status {
            changes.insert(text, Change { status });
        }
    }
    app.store.note_deliveries(first_seen).await?;
    Ok(Json(Changes { changes }))
}

/// What there is to report of a granted secret. One without a delivered version is not news: its current version
/// becomes the record.
fn news(machine: &Machine, row: &Granted, at: Moment, first_seen: &mut Vec<(Grant, u64)>) -> Option<ChangeStatus> {
    match admit(machine, &row.target(), at) {
        Ok(admitted) => match admitted.grant.delivered {
            Some(version) if version == admitted.secret.version => None,
            Some(_) => Some(ChangeStatus::Changed),
            None => {
                first_seen.push((admitted.grant.clone(), admitted.secret.version));
                None
            }
        },
        Err(Refusal::SecretNotFound | Refusal::Policy(Denied::TtlReached)) => Some(ChangeStatus::Deleted),
        Err(Refusal::ProjectFrozen | Refusal::Policy(_) | Refusal::PolicyMissing) => None,
        Err(_) => Some(ChangeStatus::AccessDenied),
    }
}

impl App {
    /// Those of the watched secrets that are there, in this machine's vault, but not granted to it.
    async fn ungranted(
        &self,
        machine: &Machine,
        watch: &[String],
        granted: &HashMap<SecretId, Granted>,
    ) -> Result<HashMap<SecretId, Secret>, Error> {
        let mut ids: Vec<SecretId> = watch.iter().filter_map(|text| text.parse().ok()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| !granted.contains_key(id));
        let keys: Vec<_> = ids.into_iter().map(secret::row).collect();
        let mut batch = Batch::new();
        batch.want_all(&keys);
        let mut fetched = self.store.fetch(batch).await?;
        let mut found = HashMap::new();
        for key in &keys {
            if let Some(secret) = fetched.take(key)?
                && secret.vault == machine.vault
                && secret.deleted_at.is_none()
            {
                found.insert(secret.id, secret);
            }
        }
        Ok(found)
    }
}
