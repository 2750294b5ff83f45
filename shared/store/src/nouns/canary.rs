//! What a read of a canary brings about: its project is frozen, and the trip is kept.

use std::collections::BTreeSet;

use protocol::{MachineId, SecretId};
use rules::Time;
use rules::audit::{Action, ActorKind, Origin};
use rules::nouns::{Freeze, Project, Secret, Trip};

use super::{project, secret};
use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{Lists, Step, StoreError, Transaction};

/// Most trips of a canary that are shown.
const NEWEST: u8 = 50;

/// Key of a trip.
#[must_use]
pub fn trip(of: SecretId, at: Time, by: MachineId) -> RowKey<Trip> {
    RowKey::new(partition(of), format!("TRIP#{}#{by}", sortable(at)))
}

fn partition(of: SecretId) -> String {
    format!("TRIPS#{of}")
}

impl Row for Trip {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "trip of a canary";
}

impl Put for Trip {
    fn key(&self) -> RowKey<Self> {
        trip(self.secret, self.at, self.machine)
    }

    fn drop_after(&self) -> Option<Time> {
        Some(self.at.plus_seconds(Self::KEPT_DAYS * 86_400))
    }
}

attributes! {
    Trip {
        RELATED = related "related": BTreeSet<String>;
    }
}

/// Freezes a project because this canary was read. The step is refused if it is frozen already.
pub fn freeze(write: &mut Transaction<'_>, project: &Project, canary: &Secret, origin: Origin) -> Step {
    let reason = Some(format!("Canary {} was read", canary.name));
    let frozen = project::row(project.id).change().set(project::FROZEN, &Some(Freeze { at: origin.at, reason }));
    let step = write.change(frozen.only_if(project::FROZEN.absent()));
    let system = Origin { actor: ActorKind::System, address: None, ..origin };
    let detail = format!("Project {} frozen: canary {} was read", project.name, canary.name);
    write.record(&system.entry(Action::ProjectFreeze, detail).project(project.id));
    step
}

/// The read of an armed canary by this machine, in the transaction of its record. If it `freezes`, a step is refused when the
/// project is frozen already.
pub fn trip_over(
    write: &mut Transaction<'_>,
    (canary, project): (&Secret, &Project),
    by: MachineId,
    origin: Origin,
    freezes: bool,
) {
    let (address, at) = (origin.address, origin.at);
    let trip = Trip { secret: canary.id, machine: by, address, at, froze: freezes, related: BTreeSet::new() };
    if freezes {
        freeze(write, project, canary, origin);
    }
    let counted = secret::row(canary.id).change().add(secret::TRIPS, 1).set(secret::TRIPPED_AT, &Some(origin.at));
    write.change(counted);
    write.put(&trip);
}

impl Lists {
    /// The newest trips of a canary, newest first.
    pub async fn trips(&self, of: SecretId) -> Result<Vec<Trip>, StoreError> {
        self.query_last(&partition(of), NEWEST).await
    }
}
