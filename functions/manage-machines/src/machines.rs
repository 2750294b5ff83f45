//! `GET machines`, `POST machines/query` and `GET machines/{machineId}`: the vault's machines.

use std::net::IpAddr;
use store::{grant, machine, project};

use axum::extract::State;
use edge::listing::{Page, Pager, Whole};
use edge::paging::SIZE_LIMIT;
use edge::{Body, Error, Ids, Json, Principal};
use protocol::{MachineId, ProjectId, UserId};
use rules::Time;
use rules::names::NameFilter;
use rules::nouns::{EnrollmentTokenId, Machine, MachineKind, MachineState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// The person whose bootstrap token or bundle it came with; nothing for one that was enrolled.
    added_by: Option<UserId>,
    created_at: Time,
    /// When it last did something that is recorded; a minute behind at most.
    last_seen_at: Option<Time>,
    last_seen_address: Option<IpAddr>,
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
            added_by: machine.added_by,
            created_at: machine.created_at,
            last_seen_at: machine.last_seen_at,
            last_seen_address: machine.last_seen_address,
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

impl Machines {
    fn of(machines: Vec<MachineView>) -> Self {
        Self { machines }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "MachineQuery")]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
    /// The whole name, in any letter case.
    name: Option<String>,
    kind: Option<MachineKind>,
    state: Option<MachineState>,
    /// Those that did nothing for 30 days; or, with `false`, the others.
    unused: Option<bool>,
}

/// `GET machines`: the machines, in the order in which they registered.
pub(crate) async fn list(State(app): State<App>, by: Principal) -> Result<Json<Whole<Machines>>, Error> {
    let all = machine::of_vault(by.vault);
    Ok(Pager::whole().along(&app.store, all, |machine| Some(machine.into())).await?.whole(Machines::of))
}

/// `POST machines/query`: the same a page at a time; by name, kind, state and use.
pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Body(query): Body<Query>,
) -> Result<Json<Page<Machines>>, Error> {
    let pager = Pager::page(query.limit, query.cursor.as_deref())?;
    let name = NameFilter::of(query.name.as_deref());
    let wanted = |machine: &Machine| {
        name.takes(&machine.name)
            && query.kind.is_none_or(|kind| kind == machine.kind)
            && query.state.is_none_or(|state| state == machine.state(by.now))
            && query.unused.is_none_or(|unused| unused == by.now.is_unused(machine.last_seen_at, machine.created_at))
    };
    let show = |machine| wanted(&machine).then(|| machine.into());
    Ok(pager.along(&app.store, machine::of_vault(by.vault), show).await?.page(Machines::of))
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
        grant_count: app.store.count(grant::of_machine(id, None)).await?,
        machine: machine.into(),
    }))
}
