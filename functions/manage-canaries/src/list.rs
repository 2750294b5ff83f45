//! `GET projects/{projectId}/canaries`, `POST …/query` and `GET canaries/{canaryId}`: canaries, in the order in which they were
//! made, and who read them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::extract::State;
use edge::listing::{Page, Pager, Whole};
use edge::paging::SIZE_LIMIT;
use edge::{Body, Error, Ids, Json, Principal};
use protocol::{MachineId, ProjectId, SecretId};
use rules::Time;
use rules::names::NameFilter;
use rules::nouns::{Canary, Secret, Trip};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{machine, project, secret};

use crate::App;
use crate::change::find;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Canaries {
    canaries: Vec<CanaryView>,
}

impl Canaries {
    fn of(canaries: Vec<CanaryView>) -> Self {
        Self { canaries }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "CanaryQuery")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Query {
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
    /// The whole name, in any letter case.
    name: Option<String>,
    /// Those that are armed; or, with `false`, the others.
    enabled: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Canary")]
#[serde(rename_all = "camelCase")]
pub(crate) struct CanaryView {
    /// The id of the secret that it is.
    id: SecretId,
    name: String,
    project_id: ProjectId,
    enabled: bool,
    trigger_freeze_project: bool,
    trigger_freeze_related_projects: bool,
    last_tripped_at: Option<Time>,
    fire_count: u64,
    created_at: Time,
}

impl CanaryView {
    fn of(secret: Secret, canary: Canary) -> Self {
        Self {
            id: secret.id,
            name: secret.name,
            project_id: secret.project,
            enabled: canary.enabled,
            trigger_freeze_project: canary.freeze_project,
            trigger_freeze_related_projects: canary.freeze_related,
            last_tripped_at: secret.tripped_at,
            fire_count: secret.trips,
            created_at: secret.created_at,
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CanaryWithTrips")]
pub(crate) struct WithTrips {
    #[serde(flatten)]
    canary: CanaryView,
    /// The newest 50 reads that tripped it, newest first. They are kept for 365 days.
    trips: Vec<TripView>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CanaryTrip")]
#[serde(rename_all = "camelCase")]
pub(crate) struct TripView {
    at: Time,
    machine_id: MachineId,
    /// Null of a machine that was removed.
    machine_name: Option<String>,
    source_ip: Option<IpAddr>,
    /// The projects that this read froze; related ones some seconds later.
    frozen_project_ids: Vec<ProjectId>,
}

/// `GET …/canaries`: the canaries of a project.
pub(crate) async fn list(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
) -> Result<Json<Whole<Canaries>>, Error> {
    by.find(&project::row(project)).await?;
    let show = |secret: Secret| secret.canary.map(|canary| CanaryView::of(secret, canary));
    Ok(Pager::whole().along(&app.store, secret::of_project(project), show).await?.whole(Canaries::of))
}

/// `POST …/canaries/query`: the same a page at a time; by name, armed or not.
pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
    Body(query): Body<Query>,
) -> Result<Json<Page<Canaries>>, Error> {
    by.find(&project::row(project)).await?;
    let pager = Pager::page(query.limit, query.cursor.as_deref())?;
    let name = NameFilter::of(query.name.as_deref());
    let wanted = |secret: &Secret, canary: Canary| {
        query.enabled.is_none_or(|enabled| enabled == canary.enabled) && name.takes(&secret.name)
    };
    let show = |secret: Secret| {
        let canary = secret.canary.filter(|canary| wanted(&secret, *canary))?;
        Some(CanaryView::of(secret, canary))
    };
    Ok(pager.along(&app.store, secret::of_project(project), show).await?.page(Canaries::of))
}

/// `GET canaries/{canaryId}`: one canary, with who read it.
pub(crate) async fn one(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<SecretId>,
) -> Result<Json<WithTrips>, Error> {
    let (secret, canary) = find(&by, id).await?;
    let trips = app.store.trips(id).await?;
    let machines: Vec<_> = trips.iter().map(|trip| machine::row(trip.machine)).collect();
    let machines = by.find_all(&machines).await?.into_iter().map(|machine| (machine.id, machine.name));
    let names: BTreeMap<MachineId, String> = machines.collect();
    let frozen = |trip: &Trip| {
        let related = trip.related.iter().filter_map(|id| id.parse().ok());
        trip.froze.then_some(secret.project).into_iter().chain(related).filter(|id| by.reaches(*id)).collect()
    };
    let view = |trip: Trip| TripView {
        at: trip.at,
        machine_id: trip.machine,
        machine_name: names.get(&trip.machine).cloned(),
        source_ip: trip.address,
        frozen_project_ids: frozen(&trip),
    };
    let trips = trips.into_iter().map(view).collect();
    Ok(Json(WithTrips { canary: CanaryView::of(secret, canary), trips }))
}
