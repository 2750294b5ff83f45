//! `POST projects/{projectId}/machines` and `…/{machineId}/detach`: which machines are in a project.

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Error, Ids, Json, Principal, done};
use protocol::{MachineId, ProjectId};
use rules::audit::Action;
use rules::nouns::Membership;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{machine, member, project};

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "MachineToAttach")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Attach {
    machine_id: MachineId,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChangedProjectMachine")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Joined {
    project_id: ProjectId,
    machine_id: MachineId,
}

/// `POST …/machines`: makes a machine of the same vault a member of a project. One that is a member already stays as it is.
pub(crate) async fn attach(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
    Body(body): Body<Attach>,
) -> Result<Json<Done<Joined>>, Error> {
    let in_project = by.find(&project::row(project)).await?;
    let machine = by.find(&machine::row(body.machine_id)).await?;
    let detail = format!("Machine {} added to project {}", machine.name, in_project.name);
    let record = by.entry(Action::ProjectMachineAdd, detail).machine(machine.id).project(project);
    let (_, membership) = app.store.project_and_membership(machine.id, project).await?;
    if membership.is_none() {
        // What a removal that was cut off left behind must not come back to life.
        app.store.drop_grants(machine.id, Some(project)).await?;
        let mut write = app.store.transaction();
        let member = write.put_new(&Membership { machine: machine.id, project, added_at: by.now });
        write.require(&machine::row(machine.id));
        write.require(&project::row(project));
        write.record(&record);
        write.commit_unless_refused(member).await?;
    }
    Ok(done(Joined { project_id: project, machine_id: machine.id }))
}

/// `POST …/machines/{machineId}/detach`: ends the membership, and with it the machine's grants here.
pub(crate) async fn detach(
    State(app): State<App>,
    by: Principal,
    Ids((project, machine)): Ids<(ProjectId, MachineId)>,
) -> Result<Json<Done<Joined>>, Error> {
    let of_project = by.find(&project::row(project)).await?;
    let machine = by.find(&machine::row(machine)).await?;
    let detail = format!("Machine {} detached from project {}", machine.name, of_project.name);
    let record = by.entry(Action::ProjectMachineRemove, detail).machine(machine.id).project(project);
    // The membership first: without it the grants admit nothing, even if this is cut off here.
    let mut write = app.store.transaction();
    let member = write.delete_existing(&member::row(machine.id, project));
    write.record(&record);
    // One that is no member any more was perhaps cut off here before: what is left of the grants goes now.
    write.commit_unless_refused(member).await?;
    app.store.drop_grants(machine.id, Some(project)).await?;
    Ok(done(Joined { project_id: project, machine_id: machine.id }))
}
