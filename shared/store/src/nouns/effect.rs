//! What an admitted read brings about beside its record.

use rules::audit::Origin;
use rules::read_gate::{Admitted, Effect};

use super::{canary, policy};
use crate::Transaction;

/// Writes what a read brings about, in the transaction of its record. A step is refused when that was decided on rows that
/// have changed since.
pub fn bring_about(write: &mut Transaction<'_>, effect: &Effect, read: &Admitted<'_>, origin: Origin) {
    match effect {
        Effect::Counts(counts) => _ = policy::count_read(write, counts, read.project.id, origin.at),
        Effect::Trips { freezes } => {
            canary::trip_over(write, (read.secret, read.project), read.grant.machine, origin, *freezes);
        }
    }
}
