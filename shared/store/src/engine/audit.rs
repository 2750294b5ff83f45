//! The audit table: records and nonces.
//!
//! The row that makes a signed request unique *is* its audit record: one conditional write does both. Records are put,
//! and read in order of time; nothing here can change or delete one, and retention is the table's TTL.
//!
//! A vault's log has nine parts, each a partition of an index and in order of time: eight for what machines and AI agents
//! do again and again, because one partition takes 1,000 writes a second, and one for the rest. So a search for something
//! rare does not walk through reads. No part depends on a clock: a record of any time is in its log.

use std::collections::VecDeque;

use crypto::random;
use protocol::{AgentId, SecretId, VaultId};
use rules::Time;
use rules::audit::{Action, Record, Severity};

use super::backend::{PutItem, Query, Terms, WriteError};
use super::item::{Item, Value};
use super::meter::{self, Counted};
use super::read::all_of;
use super::row::{attributes, from_item, sortable};
use super::table::{BY_AGENT, BY_SECRET, BY_TIME, TTL, Table};
use super::transaction::FREE;
use crate::{Lists, StoreError};

/// Parts of a vault's log for what is frequent, so that a busy vault does not throttle on one.
const SHARDS: u8 = 8;
/// Most records that one query asks for.
const CHUNK: usize = 250;

/// Which records are walked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A vault's log.
    All,
    /// What is not frequent in it.
    Rare,
    /// What is frequent in it.
    Frequent,
    /// What concerns a secret of the vault.
    Secret(SecretId),
    /// What an AI agent of the vault did.
    Agent(AgentId),
}

/// Which records, of which time, in which order.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The vault.
    pub vault: VaultId,
    /// Which of its records.
    pub part: Part,
    /// Not older than this.
    pub from: Option<Time>,
    /// Not younger than this.
    pub to: Option<Time>,
    /// Oldest first, instead of newest first.
    pub oldest_first: bool,
    /// Those after the record with this cursor, in that order.
    pub after: Option<String>,
}

impl Ask {
    /// A vault's whole log, newest first.
    #[must_use]
    pub fn all(vault: VaultId) -> Self {
        Self { vault, part: Part::All, from: None, to: None, oldest_first: false, after: None }
    }
}

/// The audit table.
#[derive(Clone)]
pub struct Audit(pub(super) Lists);

/// A record as an item, under this key.
pub(super) fn indexed(pk: String, record: &Record) -> Result<Item, StoreError> {
    if record.severity == Severity::Critical {
        meter::count(Counted::CriticalRecord);
    }
    let [shard, tail @ ..] = random::bytes::<5>();
    let mut item = attributes(record)?;
    item.take("keptDays");
    let ttl = record.timestamp.plus_seconds(record.kept_days * 86_400);
    item.set("pk", pk);
    item.set(
        "log",
        if is_frequent(record.action) { shard_of(record.vault, shard % SHARDS) } else { rest_of(record.vault) },
    );
    item.set("order", format!("{}-{}", sortable(record.timestamp), hex::encode(tail)));
    item.set(TTL, ttl.seconds());
    if let Some(agent) = record.ai_agent_id {
        item.set("agent", of_agent(record.vault, agent));
    }
    if let Some(secret) = record.secret_id {
        item.set("secret", of_secret(record.vault, secret));
    }
    Ok(item)
}

/// What machines and AI agents do again and again.
pub fn is_frequent(action: Action) -> bool {
    matches!(action, Action::SecretRead | Action::SecretReadDenied | Action::SecretExport | Action::AgentAccess)
}

fn shard_of(vault: VaultId, shard: u8) -> String {
    format!("{vault}#frequent#{shard}")
}

fn rest_of(vault: VaultId) -> String {
    format!("{vault}#rare")
}

fn of_secret(vault: VaultId, secret: SecretId) -> String {
    format!("{vault}#{secret}")
}

fn of_agent(vault: VaultId, agent: AgentId) -> String {
    format!("{vault}#{agent}")
}

/// A record that belongs to no signed request.
pub(crate) fn record_item(record: &Record) -> Result<Item, StoreError> {
    indexed(format!("record#{}", hex::encode(random::bytes::<16>())), record)
}

/// A record of the log, and the key of its row, which no other record ever has.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "as above")]
pub struct Logged {
    pub record: Record,
    pub key: String,
}

/// What the audit table's stream tells of a record.
#[derive(Debug, Clone)]
pub enum Seen {
    /// It was written.
    Written(Logged),
    /// Another row was put in its place: nothing of ours does that.
    Replaced(Record),
    /// It was deleted before its time: nothing of ours does that.
    Deleted(Record),
}

/// The records among the audit table's rows, as its stream brings them: a nonce can be without one.
pub fn records(images: impl IntoIterator<Item = Item>) -> Result<Vec<Logged>, StoreError> {
    let of_records = images.into_iter().filter(|image| image.get("log").is_some());
    let logged = |image: Item| {
        let key = image.get("pk").and_then(Value::as_text).unwrap_or_default().to_owned();
        Ok(Logged { record: from_item("audit record", image)?, key })
    };
    of_records.map(logged).collect()
}

impl Lists {
    /// The audit table.
    pub fn audit(&self) -> Audit {
        Audit(self.clone())
    }
}

impl Audit {
    pub(super) fn put(&self, item: Item) -> PutItem {
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

    /// The first records of a walk, at most this many, each with its cursor.
    pub async fn page(&self, ask: Ask, size: usize) -> Result<Vec<(String, Record)>, StoreError> {
        let mut walk = self.walk(&ask, size);
        let mut records = Vec::new();
        while records.len() < size
            && let Some(record) = walk.next().await?
        {
            records.push(record);
        }
        Ok(records)
    }

    /// Starts a walk through records. `expected` is about how many will be taken.
    pub fn walk(&self, ask: &Ask, expected: usize) -> Walk {
        Walk::new(self.clone(), ask, expected)
    }
}

/// A walk through records in order of time.
///
/// They lie in one partition or several, each in order; the walk merges them, asking a partition for more when it has run
/// out.
pub struct Walk {
    audit: Audit,
    ask: Ask,
    chunk: u32,
    streams: Vec<Stream>,
}

/// One partition, as far as it was read.
struct Stream {
    index: &'static str,
    attribute: &'static str,
    partition: String,
    read: VecDeque<(String, Record)>,
    from: Option<Item>,
    ended: bool,
}

impl Walk {
    fn new(audit: Audit, ask: &Ask, expected: usize) -> Self {
        let vault = ask.vault;
        let stream = |index, attribute, partition| Stream {
            index,
            attribute,
            partition,
            read: VecDeque::new(),
            from: None,
            ended: false,
        };
        let rare = || stream(BY_TIME, "log", rest_of(vault));
        let frequent = (0..SHARDS).map(|shard| stream(BY_TIME, "log", shard_of(vault, shard)));
        let streams: Vec<Stream> = match ask.part {
            Part::All => frequent.chain([rare()]).collect(),
            Part::Rare => vec![rare()],
            Part::Frequent => frequent.collect(),
            Part::Secret(secret) => vec![stream(BY_SECRET, "secret", of_secret(vault, secret))],
            Part::Agent(agent) => vec![stream(BY_AGENT, "agent", of_agent(vault, agent))],
        };
        let chunk = (expected / streams.len() + 16).min(CHUNK);
        Self { audit, ask: ask.clone(), chunk: u32::try_from(chunk).unwrap_or(u32::MAX), streams }
    }

    /// The next record with its cursor; nothing when there are no more.
    pub async fn next(&mut self) -> Result<Option<(String, Record)>, StoreError> {
        self.read_on().await?;
        let oldest_first = self.ask.oldest_first;
        let first = self.streams.iter_mut().filter_map(|stream| {
            let order = stream.read.front()?.0.clone();
            Some((order, stream))
        });
        let next = first.reduce(|one, other| if (other.0 < one.0) == oldest_first { other } else { one });
        Ok(next.and_then(|(_, stream)| stream.read.pop_front()))
    }

    /// The bounds of what is asked for, as places in order.
    fn bounds(&self) -> (String, String) {
        let mut low = self.ask.from.map_or_else(String::new, sortable);
        let mut high = self.ask.to.map_or_else(|| "~".to_owned(), |to| format!("{}~", sortable(to)));
        match (&self.ask.after, self.ask.oldest_first) {
            // The record with the cursor itself is left out when it comes.
            (Some(after), true) => low = low.max(after.clone()),
            (Some(after), false) => high = high.min(after.clone()),
            (None, _) => {}
        }
        // No key is empty.
        (if low.is_empty() { "0".to_owned() } else { low }, high)
    }

    /// Reads on in every partition that has run out.
    async fn read_on(&mut self) -> Result<(), StoreError> {
        let (low, high) = self.bounds();
        if low > high {
            self.streams.iter_mut().for_each(|stream| stream.ended = true);
        }
        let mut reading = tokio::task::JoinSet::new();
        for (at, stream) in self.streams.iter().enumerate().filter(|(_, it)| it.read.is_empty() && !it.ended) {
            let query = Query {
                index: Some(stream.index.into()),
                condition: "#part = :part AND #order BETWEEN :low AND :high".into(),
                terms: Terms::default()
                    .name("#part", stream.attribute)
                    .name("#order", "order")
                    .value(":part", stream.partition.as_str())
                    .value(":low", low.as_str())
                    .value(":high", high.as_str()),
                backward: !self.ask.oldest_first,
                most: Some(self.chunk),
                from: stream.from.clone(),
                ..Query::default()
            };
            let store = self.audit.0.clone();
            let read = async move { (at, store.backend.query(store.name(Table::Audit), query).await) };
            reading.spawn(meter::inherited(read));
        }
        while let Some(answer) = reading.join_next().await {
            let (at, answer) = answer.map_err(|error| StoreError::Unavailable(error.to_string()))?;
            let answer = answer?;
            let Some(stream) = self.streams.get_mut(at) else { continue };
            for item in answer.items {
                let order = item.get("order").and_then(Value::as_text).unwrap_or_default().to_owned();
                if self.ask.after.as_ref() != Some(&order) {
                    stream.read.push_back((order, from_item::<Record>("audit record", item)?));
                }
            }
            stream.from = answer.next;
            stream.ended = stream.from.is_none();
        }
        // A chunk can have held nothing but the record with the cursor.
        if self.streams.iter().any(|stream| stream.read.is_empty() && !stream.ended) {
            return Box::pin(self.read_on()).await;
        }
        Ok(())
    }
}
