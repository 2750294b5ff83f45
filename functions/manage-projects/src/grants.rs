//! `GET …/machines/{machineId}/secrets` and `POST …/machines/{machineId}/grants`: which secrets a machine may read here.

use std::collections::BTreeSet;
use store::{grant, machine, member, project, secret};

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Error, Ids, Json, Principal, done};
use protocol::{MachineId, ProjectId, SecretId};
use rules::audit::Action;
use rules::nouns::Grant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::App;

/// Most ids in one request.
const SECRETS: usize = 2_000;
/// Most grants changed in one transaction, which also holds the membership and two records.
const CHANGES: usize = 90;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GrantedSecrets")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Granted {
    secret_ids: Vec<SecretId>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Grants {
    /// As text: what is not an id of a secret here is ignored, as an id of another project is.
    secret_ids: Vec<String>,
}

/// What changed, and the set as it is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReplacedGrants")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Replaced {
    project_id: ProjectId,
    machine_id: MachineId,
    granted: usize,
    revoked: usize,
    secret_ids: BTreeSet<SecretId>,
}

/// One change of the set.
enum Change {
    Revoke(SecretId),
    Grant(SecretId),
}

/// `GET …/secrets`: the ids of the secrets the machine is granted in this project.
pub(crate) async fn list(
    State(app): State<App>,
    by: Principal,
    Ids((project, machine)): Ids<(ProjectId, MachineId)>,
) -> Result<Json<Granted>, Error> {
    by.find(&project::row(project)).await?;
    by.find(&machine::row(machine)).await?;
    let grants = app.store.grants(machine, Some(project)).await?;
    Ok(Json(Granted { secret_ids: grants.into_iter().map(|grant| grant.secret).collect() }))
}

/// `POST …/grants`: replaces the set of a machine's grants in a project. `[]` clears it; ids of other projects are ignored. A machine that is not in
/// the project is a 409.
pub(crate) async fn replace(
    State(app): State<App>,
    by: Principal,
    Ids((project, machine)): Ids<(ProjectId, MachineId)>,
    Body(body): Body<Grants>,
) -> Result<Json<Done<Replaced>>, Error> {
    let of_project = by.find(&project::row(project)).await?;
    let of_machine = by.find(&machine::row(machine)).await?;
    let not_attached = || Error::conflict("The machine is not in this project, add it first");
    if body.secret_ids.len() > SECRETS {
        return Err(Error::invalid("secretIds", format!("must list at most {SECRETS} ids")));
    }
    let (_, membership) = app.store.project_and_membership(machine, project).await?;
    membership.ok_or_else(not_attached)?;

    let (kept, changes) = app.changes(&by, project, machine, &body.secret_ids).await?;
    let (mut granted, mut revoked) = (0, 0);
    for some in changes.chunks(CHANGES) {
        let mut write = app.store.transaction();
        let member = write.require(&member::row(machine, project));
        let (mut given, mut taken) = (0, 0);
        for change in some {
            match *change {
                Change::Revoke(secret) => {
                    write.delete(&grant::row(machine, project, secret));
                    taken += 1;
                }
                Change::Grant(secret) => {
                    write.put_new(&Grant { machine, project, secret, delivered: None, granted_at: by.now });
                    given += 1;
                }
            }
        }
        for (action, number, verb, preposition) in
            [(Action::PermissionRevoke, taken, "revoked", "from"), (Action::PermissionGrant, given, "granted", "to")]
        {
            if number > 0 {
                let (machine_name, project_name) = (&of_machine.name, &of_project.name);
                let detail =
                    format!("{number} secrets of project {project_name} {verb} {preposition} machine {machine_name}");
                let only = match some {
                    [Change::Grant(secret) | Change::Revoke(secret)] => Some(*secret),
                    _ => None,
                };
                let record = by.entry(action, detail).machine(machine).project(project);
                write.record(&only.map_or(record.clone(), |secret| record.secret(secret)));
            }
        }
        if !write.commit_unless_refused(member).await? {
            return Err(not_attached());
        }
        granted += given;
        revoked += taken;
    }
    Ok(done(Replaced { project_id: project, machine_id: machine, granted, revoked, secret_ids: kept }))
}

impl App {
    /// The set as it will be, and what has to change for it; revocations come first.
    async fn changes(
        &self,
        by: &Principal,
        project: ProjectId,
        machine: MachineId,
        asked: &[String],
    ) -> Result<(BTreeSet<SecretId>, Vec<Change>), Error> {
        let asked: BTreeSet<SecretId> = asked.iter().filter_map(|text| text.parse().ok()).collect();
        let keys: Vec<_> = asked.iter().map(|id| secret::row(*id)).collect();
        let found = by.find_all(&keys).await?;
        let live: BTreeSet<SecretId> =
            found.iter().filter(|secret| secret.project == project).map(|secret| secret.id).collect();
        let now: BTreeSet<SecretId> =
            self.store.grants(machine, Some(project)).await?.into_iter().map(|grant| grant.secret).collect();
        let mut changes: Vec<Change> = now.difference(&asked).copied().map(Change::Revoke).collect();
        changes.extend(live.difference(&now).copied().map(Change::Grant));
        let kept = live.union(&now.intersection(&asked).copied().collect()).copied().collect();
        Ok((kept, changes))
    }
}
