//! The audit table: records and nonces.
//!
//! The row that makes a signed request unique *is* its audit record: one conditional write does both. Records are put,
//! and read in order of time; nothing here can change or delete one, and retention is the table's TTL.

use std::collections::VecDeque;

use crypto::random;
use protocol::{AgentId, MachineId, Nonce, VaultId};
use rules::Time;
use rules::audit::{Record, Severity};

use super::backend::{PutItem, Query, Terms, WriteError};
use super::item::{Item, Value};
use super::meter::{self, Counted};
use super::read::all_of;
use super::row::{attributes, from_item, sortable};
use super::table::{BY_AGENT, BY_TIME, TTL, Table};
use super::transaction::FREE;
use crate::{Lists, StoreError};

/// How long records are kept, in days (decisions 14).
pub const RETENTION_DAYS: u64 = 365;
/// How long the nonce of a request that is not audited is kept, in seconds. It has to outlive the ten minutes in which
/// its timestamp can pass.
const NONCE_SECONDS: u64 = 3_600;
/// Index partitions of a vault's day, so that a busy vault does not throttle on one.
const SHARDS: u8 = 8;
/// Most days that are looked at together, in a quiet time.
const DAYS_AT_ONCE: u64 = 8;
/// Most records that one query asks for.
const CHUNK: usize = 250;

/// Whose nonce it is. Machines and agents share none: their rows' keys begin differently.
#[derive(Debug, Clone, Copy)]
pub enum Signer {
    /// A machine's.
    Machine(MachineId),
    /// An AI agent's.
    Agent(AgentId),
}

impl std::fmt::Display for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Machine(id) => write!(f, "machine#{id}"),
            Self::Agent(id) => write!(f, "agent#{id}"),
        }
    }
}

/// Why a request's nonce could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum NonceError {
    /// It was used before.
    #[error("nonce used before")]
    Replayed,
    /// The store did not answer or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A page of the log, newest first.
pub struct Page {
    /// The records, each with its cursor.
    pub records: Vec<(String, Record)>,
    /// Where the next page starts; nothing when this was the last.
    pub next: Option<String>,
}

/// The audit table.
#[derive(Clone)]
pub struct Audit(Lists);

/// A record as an item, under this key.
fn indexed(pk: String, record: &Record) -> Result<Item, StoreError> {
    if record.severity == Severity::Critical {
        meter::count(Counted::CriticalRecord);
    }
    let [shard, tail @ ..] = random::bytes::<5>();
    let mut item = attributes(record)?;
    let ttl = record.timestamp.plus_seconds(RETENTION_DAYS * 86_400);
    item.set("pk", pk);
    item.set("vaultDay", partition(record.vault, record.timestamp.day(), shard % SHARDS));
    item.set("order", format!("{}-{}", sortable(record.timestamp), hex::encode(tail)));
    item.set(TTL, ttl.seconds());
    if let Some(agent) = record.ai_agent_id {
        item.set("agent", format!("AGENT#{agent}"));
    }
    Ok(item)
}

fn partition(vault: VaultId, day: u64, shard: u8) -> String {
    format!("{vault}#{day}#{shard}")
}

/// A record that belongs to no signed request.
pub(crate) fn record_item(record: &Record) -> Result<Item, StoreError> {
    indexed(format!("record#{}", hex::encode(random::bytes::<16>())), record)
}

/// The records among the audit table's rows, as its stream brings them: a nonce can be without one.
pub fn records(images: impl IntoIterator<Item = Item>) -> Result<Vec<Record>, StoreError> {
    let of_records = images.into_iter().filter(|image| image.get("vaultDay").is_some());
    of_records.map(|image| from_item("audit record", image)).collect()
}

impl Lists {
    /// The audit table.
    pub fn audit(&self) -> Audit {
        Audit(self.clone())
    }
}

impl Audit {
    /// Takes a signer's nonce, and writes the record of its request in the same row if it is audited.
    ///
    /// The row also carries a number of this attempt. When the store wrote it and its answer was lost, the library
    /// asks again and finds its own row: that is not a replay.
    pub async fn take_nonce(
        &self,
        signer: Signer,
        nonce: &Nonce,
        record: Option<&Record>,
        now: Time,
    ) -> Result<(), NonceError> {
        let pk = format!("{signer}#{}", nonce.as_str());
        let mut item = if let Some(record) = record {
            indexed(pk, record)?
        } else {
            let mut item = Item::default();
            item.set("pk", pk);
            item.set(TTL, now.plus_seconds(NONCE_SECONDS).seconds());
            item
        };
        let attempt = Value::from(hex::encode(random::bytes::<12>()));
        item.set("attempt", attempt.clone());
        let put = PutItem { condition: Some(FREE.into()), tell_old: true, ..self.put(item) };
        match self.0.backend.put(put).await {
            Ok(()) => {}
            Err(WriteError::Condition(there)) => {
                if there.as_ref().and_then(|there| there.get("attempt")) != Some(&attempt) {
                    return Err(NonceError::Replayed);
                }
            }
            Err(error) => return Err(StoreError::from(error).into()),
        }
        if let Some(record) = record {
            record.written.note();
        }
        Ok(())
    }

    fn put(&self, item: Item) -> PutItem {
        PutItem { table: self.0.name(Table::Audit).clone(), item, condition: None, tell_old: false }
    }

    /// Writes one record.
    pub async fn record(&self, record: &Record) -> Result<(), StoreError> {
        let item = record_item(record)?;
        self.0.backend.put(self.put(item)).await?;
        record.written.note();
        Ok(())
    }

    /// Writes a record unless one about the same was written in this minute: `about` says what counts as the same. Where
    /// whoever calls can bring it about again and again, this bounds what they write into the log.
    pub async fn record_once_a_minute(&self, record: &Record, about: &str) -> Result<(), StoreError> {
        let minute = record.timestamp.seconds() / 60;
        let put = self.put(indexed(format!("record#{about}#{minute}"), record)?);
        match self.0.backend.put(PutItem { condition: Some(FREE.into()), ..put }).await {
            Ok(()) => record.written.note(),
            Err(WriteError::Condition(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Writes records; all are written when it returns without error.
    ///
    /// Each is a put of its own: the right to write batches would be a right to delete records too.
    pub async fn record_all(&self, records: Vec<Record>) -> Result<(), StoreError> {
        let writes = records.into_iter().map(|record| {
            let audit = self.clone();
            async move { audit.record(&record).await }
        });
        all_of(writes).await
    }

    /// A page of a vault's records, newest first: those before the cursor, not older than `since`.
    pub async fn page(
        &self,
        vault: VaultId,
        before: Option<&str>,
        since: Time,
        now: Time,
        size: usize,
    ) -> Result<Page, StoreError> {
        let mut walk = self.walk(vault, before, since, now, size);
        let mut records = Vec::new();
        while records.len() < size {
            match walk.next().await? {
                Some(record) => records.push(record),
                None => return Ok(Page { records, next: None }),
            }
        }
        let next = records.last().map(|(cursor, _): &(String, Record)| cursor.clone());
        Ok(Page { records, next })
    }

    /// Starts a walk through a vault's records, newest first: those before the cursor, not older than `since`. `expected`
    /// is about how many will be taken.
    pub fn walk(&self, vault: VaultId, before: Option<&str>, since: Time, now: Time, expected: usize) -> Walk {
        Walk::new(self.clone(), vault, before, since, now, expected)
    }

    /// The newest records of what an agent did, newest first.
    pub async fn of_agent(&self, agent: AgentId, most: i32) -> Result<Vec<Record>, StoreError> {
        let query = Query {
            index: Some(BY_AGENT.into()),
            condition: "#agent = :agent".into(),
            terms: Terms::default().name("#agent", "agent").value(":agent", format!("AGENT#{agent}")),
            backward: true,
            most: Some(most.unsigned_abs()),
            ..Query::default()
        };
        let page = self.0.backend.query(self.0.name(Table::Audit), query).await?;
        page.items.into_iter().map(|item| from_item("audit record", item)).collect()
    }
}

/// A walk through a vault's records, newest first.
///
/// A day's records lie in shards, each in order; the walk merges them, asking a shard for more when it has run out. While
/// there are none it looks at more and more days together.
pub struct Walk {
    audit: Audit,
    vault: VaultId,
    before: String,
    since: Time,
    /// The day that is looked at next; nothing when there is none.
    day: Option<u64>,
    days_at_once: u64,
    chunk: u32,
    shards: Vec<Shard>,
}

/// One shard of one day, as far as it was read.
struct Shard {
    partition: String,
    read: VecDeque<(String, Record)>,
    from: Option<Item>,
    ended: bool,
}

impl Walk {
    fn new(audit: Audit, vault: VaultId, before: Option<&str>, since: Time, now: Time, expected: usize) -> Self {
        let before = before.map_or_else(|| format!("{}~", sortable(now)), str::to_owned);
        // What is older than records are kept is gone, or about to go.
        let since = since.max(now.minus_seconds(RETENTION_DAYS * 86_400));
        // There is nothing in days to come, whatever a cursor says.
        let at = before.split(['-', '~']).next().and_then(|ms| ms.parse().ok()).map_or(now, Time::from_ms);
        let day = Some(at.min(now).day()).filter(|day| *day >= since.day());
        let chunk = (expected / usize::from(SHARDS) + 16).min(CHUNK);
        let chunk = u32::try_from(chunk).unwrap_or(u32::MAX);
        Self { audit, vault, before, since, day, days_at_once: 1, chunk, shards: vec![] }
    }

    /// The next record with its cursor; nothing when there are no more.
    pub async fn next(&mut self) -> Result<Option<(String, Record)>, StoreError> {
        loop {
            self.read_on().await?;
            let newest = self.shards.iter_mut().filter(|shard| !shard.read.is_empty());
            let newest = newest.max_by(|a, b| a.read.front().map(|r| &r.0).cmp(&b.read.front().map(|r| &r.0)));
            if let Some(record) = newest.and_then(|shard| shard.read.pop_front()) {
                self.days_at_once = (self.days_at_once / 2).max(1);
                // Days are whole, the span may begin within one.
                return Ok(Some(record).filter(|(_, record)| record.timestamp >= self.since));
            }
            let Some(day) = self.day else { return Ok(None) };
            let last = day.saturating_sub(self.days_at_once - 1).max(self.since.day());
            self.shards = (last..=day)
                .flat_map(|day| (0..SHARDS).map(move |shard| (day, shard)))
                .map(|(day, shard)| Shard {
                    partition: partition(self.vault, day, shard),
                    read: VecDeque::new(),
                    from: None,
                    ended: false,
                })
                .collect();
            self.day = last.checked_sub(1).filter(|day| *day >= self.since.day());
            self.days_at_once = (self.days_at_once * 2).min(DAYS_AT_ONCE);
        }
    }

    /// Reads on in every shard that has run out.
    async fn read_on(&mut self) -> Result<(), StoreError> {
        let mut reading = tokio::task::JoinSet::new();
        for (at, shard) in self.shards.iter().enumerate().filter(|(_, shard)| shard.read.is_empty() && !shard.ended) {
            let query = Query {
                index: Some(BY_TIME.into()),
                condition: "vaultDay = :day AND #order < :before".into(),
                terms: Terms::default()
                    .name("#order", "order")
                    .value(":day", shard.partition.as_str())
                    .value(":before", self.before.as_str()),
                backward: true,
                most: Some(self.chunk),
                from: shard.from.clone(),
                ..Query::default()
            };
            let store = self.audit.0.clone();
            let read = async move { (at, store.backend.query(store.name(Table::Audit), query).await) };
            reading.spawn(meter::inherited(read));
        }
        while let Some(answer) = reading.join_next().await {
            let (at, answer) = answer.map_err(|error| StoreError::Unavailable(error.to_string()))?;
            let answer = answer?;
            let Some(shard) = self.shards.get_mut(at) else { continue };
            for item in answer.items {
                let order = item.get("order").and_then(Value::as_text).unwrap_or_default().to_owned();
                shard.read.push_back((order, from_item::<Record>("audit record", item)?));
            }
            shard.from = answer.next;
            shard.ended = shard.from.is_none();
        }
        Ok(())
    }
}
