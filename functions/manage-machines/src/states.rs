//! `POST machines/{machineId}/approve`, `/deny`, `/enable`, `/disable`, `/revoke`.
//!
//! A machine is pending until it is approved. Deny removes a pending one, revoke an approved one; the wrong one of the
//! two is a 409. Asking for the state it is in changes nothing and is a 200. Each bites at the next request.

use axum::extract::State;
use edge::answer::Done;
use edge::{Approval, Body, Code, Error, Ids, Json, Principal, done};
use protocol::MachineId;
use rules::audit::Action;
use rules::nouns::Machine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Attribute, CommitError, grant, machine};

use crate::{App, Touched};

type Answer = Result<Json<Done<Touched>>, Error>;

/// `POST …/approve`: lets a pending machine in; with the fingerprint of its key, only if it has that key.
pub(crate) async fn approve(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<MachineId>,
    Body(body): Body<Approval>,
) -> Answer {
    let machine = by.find(&machine::row(id)).await?;
    body.check(&machine.public_key)?;
    by.step_up()?;
    app.set_flag(&by, id, machine::APPROVED, true, Action::MachineApprove).await
}

/// `POST …/enable`: lets a disabled machine in again.
pub(crate) async fn enable(State(app): State<App>, by: Principal, Ids(id): Ids<MachineId>) -> Answer {
    app.set_flag(&by, id, machine::ENABLED, true, Action::MachineEnable).await
}

/// `POST …/disable`: refuses a machine until it is enabled again.
pub(crate) async fn disable(State(app): State<App>, by: Principal, Ids(id): Ids<MachineId>) -> Answer {
    app.set_flag(&by, id, machine::ENABLED, false, Action::MachineDisable).await
}

/// `POST …/deny`: removes a pending machine.
pub(crate) async fn deny(State(app): State<App>, by: Principal, Ids(id): Ids<MachineId>) -> Answer {
    let machine = by.find(&machine::row(id)).await?;
    if machine.approved {
        return Err(approved_already());
    }
    app.remove(&by, &machine, Action::MachineDeny, approved_already).await
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "MachineRevocation")]
#[serde(deny_unknown_fields)]
pub(crate) struct Revoke {
    #[serde(default)]
    preview: bool,
}

/// How often a removal is tried when somebody else ended the machine at the same time.
const REMOVALS: usize = 3;

/// What a revocation did, or would do.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RevokedMachine")]
#[serde(untagged)]
pub(crate) enum Revoked {
    #[schemars(title = "MachineRevocationPreview")]
    #[serde(rename_all = "camelCase")]
    Preview {
        preview: bool,
        machine_id: MachineId,
        memberships: usize,
        grants: usize,
    },
    Done(Done<Touched>),
}

/// `POST …/revoke`: removes an approved machine with its memberships and grants. With `{"preview": true}` it only
/// counts them.
pub(crate) async fn revoke(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<MachineId>,
    Body(body): Body<Revoke>,
) -> Result<Json<Revoked>, Error> {
    let machine = by.find(&machine::row(id)).await?;
    if body.preview {
        let memberships = app.store.memberships(id).await?.len();
        let grants = app.store.count(grant::of_machine(id, None)).await?;
        return Ok(Json(Revoked::Preview { preview: true, machine_id: id, memberships, grants }));
    }
    if !machine.approved {
        return Err(pending_still());
    }
    let Json(done) = app.remove(&by, &machine, Action::MachineRevoke, pending_still).await?;
    Ok(Json(Revoked::Done(done)))
}

fn approved_already() -> Error {
    Error::new(Code::RevokeInstead, "The machine is approved, revoke it instead")
}

fn pending_still() -> Error {
    Error::new(Code::DenyInstead, "The machine is pending, deny it instead")
}

impl App {
    async fn set_flag(
        &self,
        by: &Principal,
        id: MachineId,
        flag: Attribute<Machine, bool>,
        to: bool,
        action: Action,
    ) -> Answer {
        let machine = by.find(&machine::row(id)).await?;
        let what = match action {
            Action::MachineApprove => "approved",
            Action::MachineEnable => "enabled",
            _ => "disabled",
        };
        let record = by.entry(action, format!("Machine {} {what}", machine.name)).machine(id);
        let mut write = self.store.transaction();
        let change = machine::row(id).change().set(flag, &to).only_if(flag.is_not(&to));
        // One whose removal was cut off has given back its place, and does not come back to life.
        let change = if action == Action::MachineEnable { change.only_if(machine::ENDED.missing()) } else { change };
        let switched = write.change(change);
        write.record(&record);
        if !write.commit_unless_refused(switched).await? {
            // It is in that state already, has ended, or was removed meanwhile.
            let machine = by.find(&machine::row(id)).await?;
            if action == Action::MachineEnable && machine.ended {
                return Err(Error::new(Code::RevokeInstead, "The machine has ended, revoke it instead"));
            }
        }
        Ok(done(Touched { machine_id: id }))
    }

    async fn remove(&self, by: &Principal, machine: &Machine, action: Action, wrong_state: fn() -> Error) -> Answer {
        let what = if machine.approved { "revoked, with its memberships and grants" } else { "denied" };
        let record = by.entry(action, format!("Machine {} {what}", machine.name)).machine(machine.id);
        let mut known = machine.clone();
        for _ in 0..REMOVALS {
            match self.store.remove_machine(&known, &record).await {
                Ok(()) => return Ok(done(Touched { machine_id: known.id })),
                Err(CommitError::Refused(_)) => {
                    // Approved by somebody else meanwhile, or ended, or removed.
                    let now = by.find(&machine::row(known.id)).await?;
                    if now.approved != known.approved {
                        return Err(wrong_state());
                    }
                    known = now;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::new(Code::ChangedMeanwhile, "This machine is being removed by others, look again"))
    }
}
