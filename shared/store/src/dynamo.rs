//! Reading: one batch for what a decision needs, queries for lists.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use tokio::task::JoinSet;

use crate::item::{Item, Key, Row, from_item};
use crate::meter;
use crate::tables::{BY_OWNER, Table};
use crate::{StoreError, Transaction, Values};

/// Most keys in one `BatchGetItem` (DynamoDB's limit).
const BATCH: usize = 100;
/// Most writes of one request at the same time.
const AT_ONCE: usize = 16;
/// Most times a batch is asked again for what it left out, before the store counts as unavailable.
const LEFT_OVER_TRIES: u32 = 8;

/// The tables of one deployment, all but the values (see [`crate::Values`]).
#[derive(Clone)]
pub struct Store {
    pub(crate) client: Client,
    names: Arc<HashMap<Table, String>>,
}

/// Keys to be read at once.
#[derive(Default)]
pub struct Batch {
    keys: Vec<(Table, Item)>,
    known: HashSet<(Table, String, Option<String>)>,
}

impl Batch {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key, if it is not there yet: DynamoDB refuses a batch that names one twice.
    pub fn want<R: Row>(&mut self, key: &Key<R>) {
        if self.known.insert((R::TABLE, key.pk.clone(), key.sk.clone())) {
            self.keys.push((R::TABLE, key.to_item()));
        }
    }

    /// Adds keys.
    pub fn want_all<R: Row>(&mut self, keys: &[Key<R>]) {
        for key in keys {
            self.want(key);
        }
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// What a batch brought.
#[derive(Default)]
pub struct Fetched {
    items: HashMap<(Table, String, Option<String>), Item>,
}

impl Fetched {
    /// Takes the row with this key out; nothing when there is none.
    pub fn take<R: Row>(&mut self, key: &Key<R>) -> Result<Option<R>, StoreError> {
        let item = self.items.remove(&(R::TABLE, key.pk.clone(), key.sk.clone()));
        item.map(|item| from_item(R::KIND, item)).transpose()
    }
}

/// Waits before another try, longer each time and never as long as somebody else; not before the first.
pub(crate) async fn backoff(tries: u32) {
    if let Some(doublings) = tries.checked_sub(1) {
        let most_ms = 10_u64 << doublings.min(6);
        let ms = u64::from_be_bytes(crypto::random::bytes()) % most_ms + 1;
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

/// Does all of these, some at the same time; the first error ends it, and those under way with it.
pub(crate) async fn all_of<W>(work: impl IntoIterator<Item = W>) -> Result<(), StoreError>
where
    W: Future<Output = Result<(), StoreError>> + Send + 'static,
{
    let mut waiting = work.into_iter();
    let mut running = JoinSet::new();
    loop {
        while running.len() < AT_ONCE
            && let Some(work) = waiting.next()
        {
            running.spawn(meter::inherited(work));
        }
        match running.join_next().await {
            Some(done) => done.map_err(|error| StoreError::Unavailable(error.to_string()))??,
            None => return Ok(()),
        }
    }
}

fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

impl Store {
    /// The tables under this prefix, and beside them the right to name values.
    #[must_use]
    pub fn new(client: Client, prefix: &str) -> (Self, Values) {
        let names = Table::ALL.into_iter().map(|table| (table, table.name(prefix))).collect();
        (Self { client, names: Arc::new(names) }, Values::new())
    }

    pub(crate) fn name(&self, table: Table) -> &str {
        self.names.get(&table).map_or("", String::as_str)
    }

    /// Starts a transaction.
    #[must_use]
    pub fn transaction(&self) -> Transaction<'_> {
        Transaction::new(self)
    }

    /// Reads all keys of the batch, strongly consistent: one request for up to a hundred.
    pub async fn fetch(&self, batch: Batch) -> Result<Fetched, StoreError> {
        let mut fetched = Fetched::default();
        for chunk in batch.keys.chunks(BATCH) {
            self.fetch_chunk(chunk, &mut fetched).await?;
        }
        Ok(fetched)
    }

    async fn fetch_chunk(&self, keys: &[(Table, Item)], fetched: &mut Fetched) -> Result<(), StoreError> {
        let mut wanted: HashMap<String, KeysAndAttributes> = HashMap::new();
        for table in Table::ALL {
            let keys: Vec<Item> = keys.iter().filter(|(of, _)| *of == table).map(|(_, key)| key.clone()).collect();
            if !keys.is_empty() {
                let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
                wanted.insert(self.name(table).to_owned(), keys.map_err(|e| StoreError::Unavailable(e.to_string()))?);
            }
        }
        // DynamoDB may leave keys out when it is busy; they are asked for again.
        for again in 0..LEFT_OVER_TRIES {
            backoff(again).await;
            let answer = self.client.batch_get_item().set_request_items(Some(wanted)).send().await?;
            for (name, items) in answer.responses.unwrap_or_default() {
                let Some(table) = Table::ALL.into_iter().find(|table| self.name(*table) == name) else { continue };
                for item in items {
                    if let Some(pk) = text(&item, "pk") {
                        fetched.items.insert((table, pk, text(&item, "sk")), item);
                    }
                }
            }
            wanted = answer.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("a batch read left keys out again and again".to_owned()))
    }

    /// Reads one row, strongly consistent.
    pub async fn get<R: Row>(&self, key: &Key<R>) -> Result<Option<R>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(self.name(R::TABLE))
            .set_key(Some(key.to_item()))
            .consistent_read(true)
            .send()
            .await?;
        answer.item.map(|item| from_item(R::KIND, item)).transpose()
    }

    /// Reads several rows, strongly consistent, leaving out what is not there; in the order of the keys.
    pub async fn get_all<R: Row>(&self, keys: &[Key<R>]) -> Result<Vec<R>, StoreError> {
        let mut batch = Batch::new();
        batch.want_all(keys);
        let mut fetched = self.fetch(batch).await?;
        keys.iter().filter_map(|key| fetched.take(key).transpose()).collect()
    }

    /// All rows of this kind under a partition key whose sort key has a prefix, strongly consistent, in key order.
    pub(crate) async fn query<R: Row>(&self, pk: String, prefix: &str) -> Result<Vec<R>, StoreError> {
        self.query_pages(None, "pk = :pk AND begins_with(sk, :sk)", pk, prefix).await
    }

    /// The same in the `by-owner` index, which follows the table within moments.
    pub(crate) async fn query_owned<R: Row>(&self, owner: String, prefix: &str) -> Result<Vec<R>, StoreError> {
        self.query_pages(Some(BY_OWNER), "ownerPk = :pk AND begins_with(ownerSk, :sk)", owner, prefix).await
    }

    /// All rows of this kind under a partition key up to a sort key, strongly consistent.
    pub(crate) async fn query_until<R: Row>(&self, pk: &str, last: &str) -> Result<Vec<R>, StoreError> {
        self.query_pages(None, "pk = :pk AND sk <= :sk", pk.to_owned(), last).await
    }

    /// The last rows of a partition, at most this many, newest first.
    pub(crate) async fn query_last<R: Row>(&self, pk: &str, most: u8) -> Result<Vec<R>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(self.name(R::TABLE))
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .scan_index_forward(false)
            .limit(most.into())
            .send()
            .await?;
        answer.items.unwrap_or_default().into_iter().map(|item| from_item(R::KIND, item)).collect()
    }

    /// All rows of this kind under a partition key from one sort key to another.
    pub(crate) async fn query_between<R: Row>(
        &self,
        pk: String,
        first: &str,
        last: &str,
    ) -> Result<Vec<R>, StoreError> {
        let condition = "pk = :pk AND sk BETWEEN :sk AND :last";
        let values = [(":pk", pk), (":sk", first.to_owned()), (":last", last.to_owned())];
        self.query_all(None, condition, &values).await
    }

    async fn query_pages<R: Row>(
        &self,
        index: Option<&str>,
        condition: &str,
        pk: String,
        sk: &str,
    ) -> Result<Vec<R>, StoreError> {
        self.query_all(index, condition, &[(":pk", pk), (":sk", sk.to_owned())]).await
    }

    async fn query_all<R: Row>(
        &self,
        index: Option<&str>,
        condition: &str,
        values: &[(&str, String)],
    ) -> Result<Vec<R>, StoreError> {
        let values: Item =
            values.iter().map(|(name, value)| ((*name).to_owned(), AttributeValue::S(value.clone()))).collect();
        let mut rows = Vec::new();
        let mut from = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(self.name(R::TABLE))
                .set_index_name(index.map(str::to_owned))
                .consistent_read(index.is_none())
                .key_condition_expression(condition)
                .set_expression_attribute_values(Some(values.clone()))
                .set_exclusive_start_key(from)
                .send()
                .await?;
            for item in answer.items.unwrap_or_default() {
                rows.push(from_item(R::KIND, item)?);
            }
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(rows);
            }
        }
    }
}
