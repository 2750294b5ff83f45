//! Follows the audit log, as the one reader of its table's stream: counts a vault's reads by the hour, and notes when each
//! secret was last delivered.
//!
//! A stream takes two readers at most, so whoever else has to hear of records is told by this function. It is behind the log by some moments, and so the path of a read pays nothing for it. A batch that failed half-way comes
//! again: an hour's counts can then be a little high; the time of the last access cannot be wrong.

use std::collections::BTreeMap;

use edge::{Base, Error};
use protocol::{SecretId, VaultId};
use rules::Time;
use rules::audit::{Action, Record};
use store::Store;
use store::hour::{HOUR_MS, Hour};

/// The function.
#[derive(Clone)]
pub struct FollowAudit {
    store: Store,
}

impl FollowAudit {
    /// From what every function is given.
    #[must_use]
    pub fn new(base: &Base) -> Self {
        Self { store: base.store.clone() }
    }

    /// Takes these records in; says how many of them mattered.
    pub async fn run(&self, records: &[Record]) -> Result<usize, Error> {
        let mut hours: BTreeMap<(VaultId, u64), Hour> = BTreeMap::new();
        let mut accesses: BTreeMap<SecretId, Time> = BTreeMap::new();
        let mut counted = 0;
        for record in records {
            let delivered = match record.action {
                // An export has one of these for each value, too.
                Action::SecretRead => true,
                Action::SecretReadDenied => false,
                _ => continue,
            };
            counted += 1;
            let hour = record.timestamp.ms() / HOUR_MS;
            let counts = hours.entry((record.vault, hour)).or_insert(Hour { hour, ..Hour::default() });
            if delivered {
                counts.reads += 1;
            } else {
                counts.denied += 1;
            }
            if let Some(secret) = record.secret_id.filter(|_| delivered) {
                let last = accesses.entry(secret).or_insert(record.timestamp);
                *last = record.timestamp.max(*last);
            }
        }
        // What can be repeated without harm first.
        for (secret, at) in accesses {
            self.store.note_access(secret, at).await?;
        }
        for ((vault, _), counts) in hours {
            self.store.count_reads(vault, counts).await?;
        }
        Ok(counted)
    }
}
