//! `GET` and `POST /v1/manage/projects/{projectId}/machines` and `…/{machineId}/detach`: which machines are in a project.

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Error, Ids, Json, Person, done, own};
use protocol::{MachineId, ProjectId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{CommitError, vaults};
use vault::Time;
use vault::audit::Action;
use vault::model::{MachineKind, Membership};

use crate::App;

#[derive(Serialize)]
pub(crate) struct Members {
    machines: Vec<Member>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    id: MachineId,
    name: String,
    kind: MachineKind,
    approved: bool,
    enabled: bool,
    expires_at: Option<Time>,
    added_at: Time,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Attach {
    machine_id: MachineId,
}

/// `GET …/machines`: in the order in which they were added.
pub(crate) async fn list(
    State(app): State<App>,
    person: Person,
    Ids(project): Ids<ProjectId>,
) -> Result<Json<Members>, Error> {
    own::project(&app.store, person.vault, project).await?;
    let members = app.store.members(project).await?;
    let keys: Vec<_> = members.iter().map(|member| vaults::machine(member.machine)).collect();
    let mut added: std::collections::HashMap<_, _> = members.iter().map(|m| (m.machine, m.added_at)).collect();
    let machines = app.store.get_all(&keys).await?;
    let machines = machines.into_iter().filter_map(|machine| {
        Some(Member {
            added_at: added.remove(&machine.id)?,
            id: machine.id,
            name: machine.name,
            kind: machine.kind,
            approved: machine.approved,
            enabled: machine.enabled,
            expires_at: machine.expires_at,
        })
    });
    Ok(Json(Members { machines: machines.collect() }))
}

/// `POST …/machines`: makes a machine of the same vault a member. One that is a member already stays as it is.
pub(crate) async fn attach(
    State(app): State<App>,
    person: Person,
    Ids(project): Ids<ProjectId>,
    Body(body): Body<Attach>,
) -> Result<Json<Done<Value>>, Error> {
    let in_project = own::project(&app.store, person.vault, project).await?;
    let machine = own::machine(&app.store, person.vault, body.machine_id).await?;
    let detail = format!("Machine {} added to project {}", machine.name, in_project.name);
    let record = person.record(Action::ProjectMachineAdd, detail).machine(machine.id).project(project);
    let mut write = app.store.transaction();
    let member = write.put_new(&Membership { machine: machine.id, project, added_at: person.now });
    write.require(&vaults::machine(machine.id));
    write.require(&vaults::project(project));
    write.record(&record);
    match write.commit().await {
        Err(CommitError::Refused(step)) if step == member => {}
        other => other?,
    }
    Ok(done(json!({ "projectId": project, "machineId": machine.id })))
}

/// `POST …/machines/{machineId}/detach`: ends the membership, and with it the machine's grants here.
pub(crate) async fn detach(
    State(app): State<App>,
    person: Person,
    Ids((project, machine)): Ids<(ProjectId, MachineId)>,
) -> Result<Json<Done<Value>>, Error> {
    let of_project = own::project(&app.store, person.vault, project).await?;
    let machine = own::machine(&app.store, person.vault, machine).await?;
    let detail = format!("Machine {} removed from project {}", machine.name, of_project.name);
    let record = person.record(Action::ProjectMachineRemove, detail).machine(machine.id).project(project);
    // The membership first: without it the grants admit nothing, even if this is cut off here.
    let mut write = app.store.transaction();
    let member = write.delete_existing(&vaults::membership(machine.id, project));
    write.record(&record);
    match write.commit().await {
        // Perhaps cut off before: what is left of the grants goes now.
        Err(CommitError::Refused(step)) if step == member => {}
        other => other?,
    }
    app.store.drop_grants(machine.id, Some(project)).await?;
    Ok(done(json!({ "projectId": project, "machineId": machine.id })))
}
