//! `GET …/machines/{machineId}/secrets` and `POST …/machines/{machineId}/grants`, `/add` and `/remove`: which secrets a machine
//! may read here.

use std::collections::BTreeSet;
use store::{grant, machine, member, project, secret};

use axum::extract::State;
use edge::answer::Done;
use edge::{Body, Code, Error, Ids, Json, Principal, done};
use protocol::{MachineId, ProjectId, SecretId};
use rules::Time;
use rules::audit::Action;
use rules::nouns::{Grant, Machine, Project};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::App;

/// Most ids in one request.
const SECRETS: usize = 2_000;
/// Most grants changed in one transaction, which also holds the membership and two records.
const CHANGES: usize = 90;

/// Most grants of a machine in one project.
const MOST: usize = 2_000;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GrantedSecrets")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Granted {
    secret_ids: Vec<SecretId>,
    grants: Vec<GrantView>,
}

/// A grant and its use.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Grant")]
#[serde(rename_all = "camelCase")]
struct GrantView {
    secret_id: SecretId,
    granted_at: Time,
    /// When the machine last read the secret; a minute behind at most.
    last_read_at: Option<Time>,
    /// The version that it was given then.
    last_read_version: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Grants {
    /// As text: what is not an id of a secret here is left out and named in the answer.
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
    /// What was sent and is no secret of this project.
    ignored: Vec<String>,
}

/// How many secrets were granted that were not before.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AddedGrants")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Added {
    project_id: ProjectId,
    machine_id: MachineId,
    granted: usize,
}

/// How many grants were taken back that were there.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RemovedGrants")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Removed {
    project_id: ProjectId,
    machine_id: MachineId,
    revoked: usize,
}

/// One change of the set.
#[derive(Clone, Copy)]
enum Change {
    Revoke(SecretId),
    Grant(SecretId),
}

/// `GET …/secrets`: the secrets the machine is granted in this project, and when it last read each.
pub(crate) async fn list(
    State(app): State<App>,
    by: Principal,
    Ids((project, machine)): Ids<(ProjectId, MachineId)>,
) -> Result<Json<Granted>, Error> {
    by.find(&project::row(project)).await?;
    by.find(&machine::row(machine)).await?;
    let grants = app.store.all(grant::of_machine(machine, Some(project))).await?;
    let view = |grant: &Grant| GrantView {
        secret_id: grant.secret,
        granted_at: grant.granted_at,
        last_read_at: grant.last_read_at,
        last_read_version: grant.delivered,
    };
    Ok(Json(Granted {
        grants: grants.iter().map(view).collect(),
        secret_ids: grants.into_iter().map(|grant| grant.secret).collect(),
    }))
}

/// `POST …/grants`: replaces the set of a machine's grants in a project. `[]` clears it; what is no secret of the project is
/// left out and named. A machine that is not in the project is a 409.
pub(crate) async fn replace(
    State(app): State<App>,
    by: Principal,
    Ids((project, machine)): Ids<(ProjectId, MachineId)>,
    Body(body): Body<Grants>,
) -> Result<Json<Done<Replaced>>, Error> {
    let place = app.place(&by, project, machine, &body).await?;
    let asked: BTreeSet<SecretId> = body.secret_ids.iter().filter_map(|text| text.parse().ok()).collect();
    let live = place.live(&asked).await?;
    let now = &place.granted;
    let revoked = now.difference(&asked).copied().map(Change::Revoke);
    let changes: Vec<Change> = revoked.chain(live.difference(now).copied().map(Change::Grant)).collect();
    let kept: BTreeSet<SecretId> = live.union(&now.intersection(&asked).copied().collect()).copied().collect();
    let is_kept = |text: &&String| text.parse().is_ok_and(|id| kept.contains(&id));
    let ignored = body.secret_ids.iter().filter(|text| !is_kept(text)).cloned().collect();
    let (granted, revoked) = app.write(&place, &changes).await?;
    Ok(done(Replaced { project_id: project, machine_id: machine, granted, revoked, secret_ids: kept, ignored }))
}

/// `POST …/grants/add`: grants secrets beside those that are granted. Granting again changes nothing; an id that is no secret
/// of the project is a 404, and then nothing is granted.
pub(crate) async fn add(
    State(app): State<App>,
    by: Principal,
    Ids((project, machine)): Ids<(ProjectId, MachineId)>,
    Body(body): Body<Grants>,
) -> Result<Json<Done<Added>>, Error> {
    let place = app.place(&by, project, machine, &body).await?;
    let asked = place.named(&body).await?;
    let changes: Vec<Change> = asked.difference(&place.granted).copied().map(Change::Grant).collect();
    if place.granted.len() + changes.len() > MOST {
        let text = format!("A machine has at most {MOST} grants in one project; take some back first");
        return Err(Error::new(Code::LimitReached, text));
    }
    let (granted, _) = app.write(&place, &changes).await?;
    Ok(done(Added { project_id: project, machine_id: machine, granted }))
}

/// `POST …/grants/remove`: takes grants back and leaves the others. Taking back again changes nothing; an id that is no secret
/// of the project is a 404, and then nothing is taken back.
pub(crate) async fn remove(
    State(app): State<App>,
    by: Principal,
    Ids((project, machine)): Ids<(ProjectId, MachineId)>,
    Body(body): Body<Grants>,
) -> Result<Json<Done<Removed>>, Error> {
    let place = app.place(&by, project, machine, &body).await?;
    let asked = place.named(&body).await?;
    let changes: Vec<Change> = asked.intersection(&place.granted).copied().map(Change::Revoke).collect();
    let (_, revoked) = app.write(&place, &changes).await?;
    Ok(done(Removed { project_id: project, machine_id: machine, revoked }))
}

/// A machine in a project, and the secrets it is granted there.
struct Place<'a> {
    by: &'a Principal,
    project: Project,
    machine: Machine,
    granted: BTreeSet<SecretId>,
}

fn not_attached() -> Error {
    Error::new(Code::NotAttached, "The machine is not in this project, add it first")
}

impl Place<'_> {
    /// Those that are live secrets of the project.
    async fn live(&self, asked: &BTreeSet<SecretId>) -> Result<BTreeSet<SecretId>, Error> {
        let keys: Vec<_> = asked.iter().map(|id| secret::row(*id)).collect();
        let found = self.by.find_all(&keys).await?;
        Ok(found.iter().filter(|secret| secret.project == self.project.id).map(|secret| secret.id).collect())
    }

    /// All that were named; an error names the place of one that is no secret of the project. One in the trash that is granted
    /// can be named still: its grant waits for it.
    async fn named(&self, body: &Grants) -> Result<BTreeSet<SecretId>, Error> {
        if body.secret_ids.is_empty() {
            return Err(Error::invalid("secretIds", format!("must list 1 to {SECRETS} ids")));
        }
        let ids: Vec<Option<SecretId>> = body.secret_ids.iter().map(|text| text.parse().ok()).collect();
        let asked: BTreeSet<SecretId> = ids.iter().copied().flatten().collect();
        let live = self.live(&asked).await?;
        let known = |id: &Option<SecretId>| id.is_some_and(|id| live.contains(&id) || self.granted.contains(&id));
        match ids.iter().position(|id| !known(id)) {
            None => Ok(asked),
            Some(at) => Err(Error::new(Code::SecretNotFound, format!("secretIds[{at}] is no secret of this project"))),
        }
    }
}

impl App {
    async fn place<'a>(
        &self,
        by: &'a Principal,
        project: ProjectId,
        machine: MachineId,
        body: &Grants,
    ) -> Result<Place<'a>, Error> {
        let of_project = by.find(&project::row(project)).await?;
        let of_machine = by.find(&machine::row(machine)).await?;
        if body.secret_ids.len() > SECRETS {
            return Err(Error::invalid("secretIds", format!("must list at most {SECRETS} ids")));
        }
        let (_, membership) = self.store.project_and_membership(machine, project).await?;
        membership.ok_or_else(not_attached)?;
        let granted = self
            .store
            .all(grant::of_machine(machine, Some(project)))
            .await?
            .into_iter()
            .map(|grant| grant.secret)
            .collect();
        Ok(Place { by, project: of_project, machine: of_machine, granted })
    }

    /// Makes changes, revocations first as they are given; says how many were granted and revoked.
    async fn write(&self, place: &Place<'_>, changes: &[Change]) -> Result<(usize, usize), Error> {
        let (by, project, machine) = (place.by, place.project.id, place.machine.id);
        if changes.iter().any(|change| matches!(change, Change::Grant(_))) {
            by.step_up()?;
        }
        let (mut granted, mut revoked) = (0, 0);
        for some in changes.chunks(CHANGES) {
            let mut write = self.store.transaction();
            let member = write.require(&member::row(machine, project));
            let (mut given, mut taken) = (0, 0);
            for change in some {
                match *change {
                    Change::Revoke(secret) => {
                        write.delete(&grant::row(machine, project, secret));
                        taken += 1;
                    }
                    Change::Grant(secret) => {
                        write.put_new(&Grant::new(machine, project, secret, by.now));
                        given += 1;
                    }
                }
            }
            for (action, number, verb, preposition) in [
                (Action::PermissionRevoke, taken, "revoked", "from"),
                (Action::PermissionGrant, given, "granted", "to"),
            ] {
                if number > 0 {
                    let (machine_name, project_name) = (&place.machine.name, &place.project.name);
                    let detail = format!(
                        "{number} secrets of project {project_name} {verb} {preposition} machine {machine_name}"
                    );
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
        Ok((granted, revoked))
    }
}
