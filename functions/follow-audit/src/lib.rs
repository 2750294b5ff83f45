//! Follows the audit log, as the one reader of its table's stream: counts a vault's reads by the hour, notes when each secret
//! was last delivered and each machine last seen, and tells of records that somebody changed or deleted.
//!
//! A stream takes two readers at most, so whoever else has to hear of records is told by this function. It is behind the log
//! by some moments, and so the path of a read pays nothing for it. A batch that failed half-way comes again: an hour's counts
//! can then be a little high; the time of the last access cannot be wrong.

use std::collections::BTreeMap;
use std::net::IpAddr;

use edge::{Base, Clock, Error};
use protocol::{MachineId, SecretId, VaultId};
use rules::Time;
use rules::audit::{Action, ActorKind, Origin, Record};
use store::Store;
use store::audit::Seen;
use store::hour::{HOUR_MS, Hour};

/// The function.
#[derive(Clone)]
pub struct FollowAudit {
    store: Store,
    clock: Clock,
}

impl FollowAudit {
    /// From what every function is given.
    #[must_use]
    pub fn new(base: &Base) -> Self {
        Self { store: base.store.clone(), clock: base.clock.clone() }
    }

    /// Takes these records in; says how many of them mattered.
    pub async fn run(&self, seen: &[Seen]) -> Result<usize, Error> {
        let mut hours: BTreeMap<(VaultId, u64), Hour> = BTreeMap::new();
        let mut accesses: BTreeMap<SecretId, Time> = BTreeMap::new();
        let mut machines: BTreeMap<MachineId, (Time, Option<IpAddr>)> = BTreeMap::new();
        let mut counted = 0;
        for record in seen {
            let record = match record {
                Seen::Written(record) => record,
                Seen::Replaced(record) => {
                    self.tell(record, "changed").await?;
                    counted += 1;
                    continue;
                }
                Seen::Deleted(record) => {
                    self.tell(record, "deleted").await?;
                    counted += 1;
                    continue;
                }
            };
            if record.actor_kind == ActorKind::Machine
                && let Some(machine) = record.machine_id.filter(|_| record.action != Action::AuthFailure)
            {
                let seen = (record.timestamp, record.source_ip.parse().ok());
                let last = machines.entry(machine).or_insert(seen);
                *last = seen.max(*last);
            }
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
        for (machine, (at, from)) in machines {
            self.store.note_seen(machine, at, from).await?;
        }
        for ((vault, _), counts) in hours {
            self.store.count_reads(vault, counts).await?;
        }
        Ok(counted)
    }

    /// Records that a record is not what it was. It is critical, which is a metric and an alarm. Told once a minute for each
    /// record at most, because a batch can come again.
    async fn tell(&self, was: &Record, what: &str) -> Result<(), Error> {
        let at = self.clock.now();
        let origin = Origin { vault: was.vault, owner: was.user_id, actor: ActorKind::System, address: None, at };
        let (action, time) = (was.action.kind().name, was.timestamp.ms());
        let detail = format!("The record of {action} at {time} was {what}; nothing of SikkerKey does that");
        let about = format!("{}#{what}#{action}#{time}", was.vault);
        Ok(self.store.audit().record_once_a_minute(&origin.entry(Action::AuditRecordChange, detail), &about).await?)
    }
}
