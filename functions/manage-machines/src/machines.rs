//! `GET machines` and `…/{machineId}`: the vault's machines.

use std::net::IpAddr;
use store::{machine, project};

use axum::extract::State;
use edge::{Error, Ids, Json, Principal};
use protocol::{MachineId, ProjectId};
use rules::Time;
use rules::nouns::{EnrollmentTokenId, Machine, MachineKind};
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Machines {
    machines: Vec<MachineView>,
}

/// A machine as people see it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Machine")]
#[serde(rename_all = "camelCase")]
struct MachineView {
    id: MachineId,
    name: String,
    kind: MachineKind,
    /// Standard base64 of the raw public key.
    public_key: String,
    /// `SHA256:` and the unpadded standard base64 of the SHA-256 of the raw public key.
    key_fingerprint: String,
    approved: bool,
    enabled: bool,
    expires_at: Option<Time>,
    enrollment_token_id: Option<EnrollmentTokenId>,
    registered_from: Option<IpAddr>,
    created_at: Time,
}

impl From<Machine> for MachineView {
    fn from(machine: Machine) -> Self {
        Self {
            id: machine.id,
            name: machine.name,
            kind: machine.kind,
            public_key: machine.public_key.to_base64(),
            key_fingerprint: machine.public_key.fingerprint(),
            approved: machine.approved,
            enabled: machine.enabled,
            expires_at: machine.expires_at,
            enrollment_token_id: machine.enrollment_token,
            registered_from: machine.registered_from,
            created_at: machine.created_at,
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MachineDetail {
    #[serde(flatten)]
    machine: MachineView,
    memberships: Vec<MembershipView>,
    grant_count: usize,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MachineProject")]
#[serde(rename_all = "camelCase")]
struct MembershipView {
    project_id: ProjectId,
    project_name: String,
    added_at: Time,
}

/// `GET machines`: the machines, in the order in which they registered.
pub(crate) async fn list(State(app): State<App>, by: Principal) -> Result<Json<Machines>, Error> {
    let machines = app.store.machines(by.vault).await?;
    Ok(Json(Machines { machines: machines.into_iter().map(MachineView::from).collect() }))
}

/// `GET machines/{machineId}`: one machine with its memberships, as far as the principal may see their projects, and the number
/// of its grants.
pub(crate) async fn one(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<MachineId>,
) -> Result<Json<MachineDetail>, Error> {
    let machine = by.find(&machine::row(id)).await?;
    let mut memberships = app.store.memberships(id).await?;
    memberships.retain(|membership| by.reaches(membership.project));
    let keys: Vec<_> = memberships.iter().map(|membership| project::row(membership.project)).collect();
    let mut names: std::collections::HashMap<_, _> =
        by.find_all(&keys).await?.into_iter().map(|project| (project.id, project.name)).collect();
    let memberships = memberships.into_iter().filter_map(|membership| {
        let project_name = names.remove(&membership.project)?;
        Some(MembershipView { project_id: membership.project, project_name, added_at: membership.added_at })
    });
    Ok(Json(MachineDetail {
        memberships: memberships.collect(),
        grant_count: app.store.grants(id, None).await?.len(),
        machine: machine.into(),
    }))
}
