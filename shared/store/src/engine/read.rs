//! Reading: one batch for what a decision needs, queries for lists.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::backend::{Backend, Got, KeysByTable, Page, PrimaryKey, Query, TableName, Terms};
use super::item::Item;
use super::meter;
use super::row::{Row, RowKey, from_item};
use super::table::Table;
use crate::{StoreError, Transaction, Values};

/// Most keys in one `BatchGetItem` (DynamoDB's limit).
const BATCH: usize = 100;
/// Most writes of one request at the same time.
const AT_ONCE: usize = 16;
/// Most times a batch is asked again for what it left out, before the store counts as unavailable.
const LEFT_OVER_TRIES: u32 = 8;

/// The tables of one deployment, all but the values (see [`crate::Values`]): any row can be looked up by its key.
#[derive(Clone)]
pub struct Store(Lists);

/// The store without the right to look rows up by their keys: lists, and writes. It is what functions of management have, whose
/// principals look rows up for them.
#[derive(Clone)]
pub struct Lists {
    pub(crate) backend: Arc<dyn Backend>,
    names: Arc<[TableName; Table::ALL.len()]>,
}

/// Keys to be read at once.
#[derive(Default)]
pub struct Batch {
    keys: Vec<(Table, PrimaryKey)>,
}

impl Batch {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key. One that is added twice is read once.
    pub fn want<R: Row>(&mut self, key: &RowKey<R>) {
        self.keys.push((R::TABLE, key.primary()));
    }

    /// Adds keys.
    pub fn want_all<R: Row>(&mut self, keys: &[RowKey<R>]) {
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
    /// In order. A row that was taken out is gone.
    rows: Vec<(Table, PrimaryKey, Option<Item>)>,
}

impl Fetched {
    /// Takes the row with this key out; nothing when there is none.
    pub fn take<R: Row>(&mut self, key: &RowKey<R>) -> Result<Option<R>, StoreError> {
        let row = self.at(key).and_then(|at| self.rows.get_mut(at)).and_then(|(_, _, item)| item.take());
        row.map(|item| from_item(R::KIND, item)).transpose()
    }

    /// The row with this key, which stays; nothing when there is none.
    pub fn copy<R: Row>(&self, key: &RowKey<R>) -> Result<Option<R>, StoreError> {
        let row = self.at(key).and_then(|at| self.rows.get(at)).and_then(|(_, _, item)| item.clone());
        row.map(|item| from_item(R::KIND, item)).transpose()
    }

    fn at<R: Row>(&self, key: &RowKey<R>) -> Option<usize> {
        let search = self.rows.binary_search_by(|(table, there, _)| {
            table.cmp(&R::TABLE).then_with(|| there.pk.cmp(&key.pk)).then_with(|| there.sk.as_ref().cmp(&Some(&key.sk)))
        });
        search.ok()
    }

    fn add(&mut self, table: Table, mut item: Item) {
        // The key is no field of a row's type.
        if let Some(key) = PrimaryKey::take_from(&mut item) {
            self.rows.push((table, key, Some(item)));
        }
    }

    fn in_order(mut self) -> Self {
        self.rows.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        self
    }
}

/// Waits before another try, longer each time and never as long as somebody else; not before the first.
pub async fn backoff(tries: u32) {
    if let Some(doublings) = tries.checked_sub(1) {
        let most_ms = 10_u64 << doublings.min(6);
        let ms = u64::from_be_bytes(crypto::random::bytes()) % most_ms + 1;
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

/// Does all of this work, some at the same time. The first error ends all of it.
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

impl Deref for Store {
    type Target = Lists;

    fn deref(&self) -> &Lists {
        &self.0
    }
}

impl Store {
    /// The tables under this prefix, and beside them the right to name values.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, prefix: &str) -> (Self, Values) {
        let names = Table::ALL.map(|table| table.name(prefix).into());
        (Self(Lists { backend, names: Arc::new(names) }), Values::new())
    }

    /// The same without the right to look rows up.
    #[must_use]
    pub fn lists(&self) -> Lists {
        self.0.clone()
    }

    /// Reads all keys of the batch, strongly consistent: one request for up to a hundred.
    pub async fn fetch(&self, batch: Batch) -> Result<Fetched, StoreError> {
        self.0.fetch(batch).await
    }

    /// Reads one row, strongly consistent.
    pub async fn get<R: Row>(&self, key: &RowKey<R>) -> Result<Option<R>, StoreError> {
        self.0.get(key).await
    }

    /// Reads several rows, strongly consistent, leaving out what is not there; in the order of the keys.
    pub async fn get_all<R: Row>(&self, keys: &[RowKey<R>]) -> Result<Vec<R>, StoreError> {
        self.0.get_all(keys).await
    }
}

impl Lists {
    pub(crate) fn name(&self, table: Table) -> &TableName {
        let [vault, values, audit, accounts, agents] = &*self.names;
        match table {
            Table::Vault => vault,
            Table::Values => values,
            Table::Audit => audit,
            Table::Accounts => accounts,
            Table::Agents => agents,
        }
    }

    /// Starts a transaction.
    pub fn transaction(&self) -> Transaction<'_> {
        Transaction::new(self)
    }

    pub(crate) async fn fetch(&self, batch: Batch) -> Result<Fetched, StoreError> {
        let Batch { mut keys } = batch;
        // DynamoDB refuses a batch that names a key twice.
        keys.sort_unstable();
        keys.dedup();
        let mut fetched = Fetched { rows: Vec::with_capacity(keys.len()) };
        let mut keys = keys.into_iter();
        while keys.len() > 0 {
            self.fetch_chunk(keys.by_ref().take(BATCH), &mut fetched).await?;
        }
        Ok(fetched.in_order())
    }

    async fn fetch_chunk(
        &self,
        keys: impl Iterator<Item = (Table, PrimaryKey)>,
        fetched: &mut Fetched,
    ) -> Result<(), StoreError> {
        let mut wanted = KeysByTable::with_capacity(Table::ALL.len());
        for (table, key) in keys {
            let name = self.name(table);
            match wanted.last_mut() {
                Some((last, keys)) if last == name => keys.push(key),
                _ => wanted.push((name.clone(), vec![key])),
            }
        }
        // DynamoDB may leave keys out when it is busy; they are asked for again.
        for again in 0..LEFT_OVER_TRIES {
            backoff(again).await;
            let Got { items, left_out } = self.backend.batch_get(wanted).await?;
            for (name, items) in items {
                let Some(table) = Table::ALL.into_iter().find(|table| *self.name(*table) == name) else { continue };
                for item in items {
                    fetched.add(table, item);
                }
            }
            wanted = left_out;
            if wanted.is_empty() {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("a batch read left keys out again and again".to_owned()))
    }

    pub(crate) async fn get<R: Row>(&self, key: &RowKey<R>) -> Result<Option<R>, StoreError> {
        let item = self.backend.get(self.name(R::TABLE), key.primary()).await?;
        item.map(|item| from_item(R::KIND, item)).transpose()
    }

    pub(crate) async fn get_all<R: Row>(&self, keys: &[RowKey<R>]) -> Result<Vec<R>, StoreError> {
        let mut batch = Batch::new();
        batch.want_all(keys);
        let mut fetched = self.fetch(batch).await?;
        keys.iter().filter_map(|key| fetched.take(key).transpose()).collect()
    }

    /// All rows of this kind under a partition key up to a sort key, strongly consistent.
    pub(crate) async fn query_until<R: Row>(&self, pk: &str, last: &str) -> Result<Vec<R>, StoreError> {
        let terms = Terms::default().value(":pk", pk).value(":sk", last);
        self.query_all("pk = :pk AND sk <= :sk", terms).await
    }

    /// The last rows of a partition, at most this many, newest first.
    pub(crate) async fn query_last<R: Row>(&self, pk: &str, most: u8) -> Result<Vec<R>, StoreError> {
        let query = Query {
            condition: "pk = :pk".into(),
            terms: Terms::default().value(":pk", pk),
            backward: true,
            most: Some(most.into()),
            ..Query::default()
        };
        let page = self.backend.query(self.name(R::TABLE), query).await?;
        page.items.into_iter().map(|item| from_item(R::KIND, item)).collect()
    }

    /// All rows of this kind under a partition key from one sort key to another.
    pub(crate) async fn query_between<R: Row>(
        &self,
        pk: String,
        first: &str,
        last: &str,
    ) -> Result<Vec<R>, StoreError> {
        let terms = Terms::default().value(":pk", pk).value(":sk", first).value(":last", last);
        self.query_all("pk = :pk AND sk BETWEEN :sk AND :last", terms).await
    }

    async fn query_all<R: Row>(&self, condition: &'static str, terms: Terms) -> Result<Vec<R>, StoreError> {
        let query = Query { condition: condition.into(), terms, consistent: true, ..Query::default() };
        let mut rows = Vec::new();
        self.pages(R::TABLE, query, |page| {
            for item in page.items {
                rows.push(from_item(R::KIND, item)?);
            }
            Ok(())
        })
        .await?;
        Ok(rows)
    }

    /// Reads every page of a query.
    pub(super) async fn pages(
        &self,
        table: Table,
        mut query: Query,
        mut take: impl FnMut(Page) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        loop {
            let mut page = self.backend.query(self.name(table), query.clone()).await?;
            query.from = page.next.take();
            take(page)?;
            if query.from.is_none() {
                return Ok(());
            }
        }
    }
}
