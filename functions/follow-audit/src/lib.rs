//! Follows the audit log, as the one reader of its table's stream: freezes the projects that are related to a canary's that was
//! read, has mails and webhooks tell of what happened, counts a vault's reads by the hour, notes when each secret was last
//! delivered, to whom, and when each machine was last seen, and records that somebody changed or deleted a record.
//!
//! A stream takes two readers at most, so whoever else has to hear of records is told by this function. It is behind the log
//! by some moments, and so the path of a read pays nothing for it. A batch that failed half-way comes again: an hour's counts
//! can then be a little high; the time of the last access cannot be wrong.

mod telling;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use edge::{Base, Clock, Config, Courier, Error, MailQueue, Origins};
use protocol::{MachineId, ProjectId, SecretId, VaultId};
use rules::Time;
use rules::audit::{Action, ActorKind, Origin, Record};
use rules::nouns::{Project, Secret};
use store::Store;
use store::audit::Seen;
use store::hour::{HOUR_MS, Hour};
use store::{canary, grant, project, secret};

/// The function.
#[derive(Clone)]
pub struct FollowAudit {
    store: Store,
    clock: Clock,
    origins: Origins,
    config: Arc<Config>,
    mail: Arc<dyn MailQueue>,
    courier: Arc<dyn Courier>,
}

impl FollowAudit {
    /// From what every function is given, and the ways to who sends mail and who delivers to webhooks.
    #[must_use]
    pub fn new(base: &Base, mail: Arc<dyn MailQueue>, courier: Arc<dyn Courier>) -> Self {
        let (store, clock, config) = (base.store.clone(), base.clock.clone(), base.config.clone());
        Self { store, clock, origins: Origins::new(base), config, mail, courier }
    }

    /// Takes these records in; says how many of them mattered.
    pub async fn run(&self, seen: &[Seen]) -> Result<usize, Error> {
        let mut told = Told::default();
        let mut written = vec![];
        let mut counted = 0;
        for record in seen {
            counted += match record {
                Seen::Written(logged) => {
                    written.push(logged);
                    usize::from(told.take(&logged.record))
                }
                Seen::Replaced(record) => self.tell(record, "changed").await?,
                Seen::Deleted(record) => self.tell(record, "deleted").await?,
            };
        }
        // What can be repeated without harm first, and what is urgent before all.
        for trip in told.trips {
            self.freeze_related(trip).await?;
        }
        self.tell_all(&written).await?;
        for (secret, at) in told.secrets {
            self.store.note_access(secret, at).await?;
        }
        for ((machine, project, secret), at) in told.grants {
            self.store.note_read(grant::row(machine, project, secret), at).await?;
        }
        for (machine, (at, from)) in told.machines {
            self.store.note_seen(machine, at, from).await?;
        }
        for ((vault, _), counts) in told.hours {
            self.store.count_reads(vault, counts).await?;
        }
        Ok(counted)
    }

    /// Freezes the projects that share a machine with that of a canary, if the canary says so.
    async fn freeze_related(&self, trip: Tripped<'_>) -> Result<(), Error> {
        let canary = self.store.get(&secret::row(trip.canary)).await?;
        let says_so = |secret: &Secret| secret.canary.is_some_and(|canary| canary.freeze_related);
        let Some(canary) = canary.filter(says_so) else { return Ok(()) };
        let origin = self.origin_of(trip.record).await?;
        for id in self.store.related(trip.project).await? {
            let project = self.store.get(&project::row(id)).await?;
            let is_open = |project: &Project| project.vault == canary.vault && project.frozen.is_none();
            let Some(project) = project.filter(is_open) else { continue };
            let mut write = self.store.transaction();
            let frozen = canary::freeze(&mut write, &project, &canary, origin);
            let trip = canary::trip(trip.canary, trip.record.timestamp, trip.machine);
            write.change(trip.change().add_names(canary::RELATED, vec![id.to_string()]));
            write.commit_unless_refused(frozen).await?;
        }
        Ok(())
    }

    /// We act in the vault of this record, now.
    async fn origin_of(&self, record: &Record) -> Result<Origin, Error> {
        self.origins.in_vault(record.vault, ActorKind::System, None, self.clock.now()).await
    }

    /// Records that a record is not what it was. It is critical, which is a metric and an alarm. Told once a minute for each
    /// record at most, because a batch can come again.
    async fn tell(&self, was: &Record, what: &str) -> Result<usize, Error> {
        let origin = self.origin_of(was).await?;
        let (action, time) = (was.action.kind().name, was.timestamp.ms());
        let detail = format!("The record of {action} at {time} was {what}; nothing of SikkerKey does that");
        let about = format!("{}#{what}#{action}#{time}", was.vault);
        self.store.audit().record_once_a_minute(&origin.entry(Action::AuditRecordChange, detail), &about).await?;
        Ok(1)
    }
}

/// A read that tripped a canary.
struct Tripped<'r> {
    record: &'r Record,
    canary: SecretId,
    project: ProjectId,
    machine: MachineId,
}

/// What the records of a batch tell, each thing once.
#[derive(Default)]
struct Told<'r> {
    trips: Vec<Tripped<'r>>,
    hours: BTreeMap<(VaultId, u64), Hour>,
    secrets: BTreeMap<SecretId, Time>,
    grants: BTreeMap<(MachineId, ProjectId, SecretId), Time>,
    machines: BTreeMap<MachineId, (Time, Option<IpAddr>)>,
}

impl<'r> Told<'r> {
    /// Takes in a record of a read or a refused one, and says whether it was that.
    fn take(&mut self, record: &'r Record) -> bool {
        let delivered = match record.action {
            // An export has one of these for each value, too.
            Action::SecretRead | Action::CanaryTriggered => true,
            Action::SecretReadDenied => false,
            _ => return false,
        };
        let at = record.timestamp;
        if let Some(machine) = record.machine_id {
            latest(&mut self.machines, machine, (at, record.source_ip.parse().ok()));
        }
        if let Some(secret) = record.secret_id.filter(|_| delivered) {
            latest(&mut self.secrets, secret, at);
            if let Some((machine, project)) = record.machine_id.zip(record.project_id) {
                latest(&mut self.grants, (machine, project, secret), at);
                if record.action == Action::CanaryTriggered {
                    self.trips.push(Tripped { record, canary: secret, project, machine });
                }
            }
        }
        let hour = at.ms() / HOUR_MS;
        let counts = self.hours.entry((record.vault, hour)).or_insert(Hour { hour, ..Hour::default() });
        *(if delivered { &mut counts.reads } else { &mut counts.denied }) += 1;
        true
    }
}

fn latest<K: Ord, V: Ord + Copy>(of: &mut BTreeMap<K, V>, key: K, value: V) {
    let last = of.entry(key).or_insert(value);
    *last = value.max(*last);
}
