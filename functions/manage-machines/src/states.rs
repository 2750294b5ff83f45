//! `POST machines/{machineId}/approve`, `/deny`, `/enable`, `/disable`, `/revoke`.
//!
//! A machine is pending until it is approved. Deny removes a pending one, revoke an approved one; the wrong one of the
//! two is a 409. Asking for the state it is in changes nothing and is a 200. Each bites at the next request.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use edge::answer::Done;
use edge::{Body, Error, Ids, Json, Principal, done, own};
use protocol::MachineId;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{CommitError, Update, vaults};
use vault::audit::Action;
use vault::model::Machine;

use crate::App;

type Answer = Result<Json<Done<Value>>, Error>;

/// `POST …/approve`.
pub(crate) async fn approve(State(app): State<App>, by: Principal, Ids(id): Ids<MachineId>) -> Answer {
    app.set_flag(&by, id, "approved", true, Action::MachineApprove).await
}

/// `POST …/enable`.
pub(crate) async fn enable(State(app): State<App>, by: Principal, Ids(id): Ids<MachineId>) -> Answer {
    app.set_flag(&by, id, "enabled", true, Action::MachineEnable).await
}

/// `POST …/disable`.
pub(crate) async fn disable(State(app): State<App>, by: Principal, Ids(id): Ids<MachineId>) -> Answer {
    app.set_flag(&by, id, "enabled", false, Action::MachineDisable).await
}

/// `POST …/deny`: removes a pending machine.
pub(crate) async fn deny(State(app): State<App>, by: Principal, Ids(id): Ids<MachineId>) -> Answer {
    let machine = own::machine(&app.store, &by, id).await?;
    if machine.approved {
        return Err(approved_already());
    }
    app.remove(&by, &machine, Action::MachineDeny, approved_already).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revoke {
    #[serde(default)]
    preview: bool,
}

/// `POST …/revoke`: removes an approved machine with its memberships and grants. With `{"preview": true}` it only
/// counts them.
pub(crate) async fn revoke(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<MachineId>,
    Body(body): Body<Revoke>,
) -> Result<Response, Error> {
    let machine = own::machine(&app.store, &by, id).await?;
    if body.preview {
        let memberships = app.store.memberships(id).await?.len();
        let grants = app.store.grants(id, None).await?.len();
        let counts = json!({ "preview": true, "machineId": id, "memberships": memberships, "grants": grants });
        return Ok(Json(counts).into_response());
    }
    if !machine.approved {
        return Err(pending_still());
    }
    app.remove(&by, &machine, Action::MachineRevoke, pending_still).await.map(IntoResponse::into_response)
}

fn approved_already() -> Error {
    Error::conflict("The machine is approved, revoke it instead")
}

fn pending_still() -> Error {
    Error::conflict("The machine is pending, deny it instead")
}

impl App {
    async fn set_flag(&self, by: &Principal, id: MachineId, flag: &str, to: bool, action: Action) -> Answer {
        let machine = own::machine(&self.store, by, id).await?;
        let verb = action.entry().name.strip_prefix("machine_").unwrap_or_default();
        let record = by.record(action, format!("Machine {}: {verb}", machine.name)).machine(id);
        let mut write = self.store.transaction();
        let switched = write.update(Update::existing(&vaults::machine(id)).set(flag, &to)?.when_equals(flag, &!to)?);
        write.record(&record);
        if !write.commit_unless_refused(switched).await? {
            // It is in that state already, or was removed meanwhile.
            own::machine(&self.store, by, id).await?;
        }
        Ok(done(json!({ "machineId": id })))
    }

    async fn remove(&self, by: &Principal, machine: &Machine, action: Action, wrong_state: fn() -> Error) -> Answer {
        let record = by.record(action, format!("Machine {} removed", machine.name)).machine(machine.id);
        match self.store.remove_machine(machine.id, machine.approved, &record).await {
            Ok(()) => Ok(done(json!({ "machineId": machine.id }))),
            Err(CommitError::Refused(_)) => {
                // Approved by somebody else meanwhile, or removed.
                own::machine(&self.store, by, machine.id).await?;
                Err(wrong_state())
            }
            Err(error) => Err(error.into()),
        }
    }
}
