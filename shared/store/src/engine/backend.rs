//! The operations of a store that the engine uses, and no more of them than it uses.
//!
//! They are DynamoDB's, with its expressions. What a backend answers is held to DynamoDB's documented answers by one
//! suite of cases for all backends (`tests/e2e/tests/stores`).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::StoreError;
use super::item::{Item, Name, Value};
use super::table::TableSpec;

/// A table's whole name.
pub type TableName = Arc<str>;

/// Where a row is in its table. All keys are texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrimaryKey {
    /// The partition key.
    pub pk: String,
    /// The sort key, in tables that have one.
    pub sk: Option<String>,
}

impl PrimaryKey {
    /// Takes the key's attributes out of an item; nothing when it has none.
    pub fn take_from(item: &mut Item) -> Option<Self> {
        let mut text = |name| match item.take(name) {
            Some(Value::S(text)) => Some(text),
            _ => None,
        };
        Some(Self { pk: text("pk")?, sk: text("sk") })
    }
}

impl From<PrimaryKey> for Item {
    fn from(key: PrimaryKey) -> Self {
        let sk = key.sk.map(|sk| ("sk".into(), Value::S(sk)));
        std::iter::once(("pk".into(), Value::S(key.pk))).chain(sk).collect()
    }
}

/// Names and values of an expression, under aliases, so that no attribute's name is ever a reserved word.
#[derive(Debug, Default, Clone)]
pub struct Terms {
    /// Attributes by alias.
    pub names: Vec<(Name, Name)>,
    /// Values by alias.
    pub values: Item,
}

impl Terms {
    /// Attributes by alias, as clients take them; nothing when there are none.
    #[must_use]
    pub fn names_by_alias(&self) -> Option<HashMap<String, String>> {
        let owned = |(alias, name): &(Name, Name)| (alias.to_string(), name.to_string());
        (!self.names.is_empty()).then(|| self.names.iter().map(owned).collect())
    }

    /// With this attribute's name under this alias.
    #[must_use]
    pub fn name(mut self, alias: &'static str, attribute: &'static str) -> Self {
        self.names.push((alias.into(), attribute.into()));
        self
    }

    /// With this value under this alias.
    #[must_use]
    pub fn value(mut self, alias: &'static str, value: impl Into<Value>) -> Self {
        self.values.set(alias, value);
        self
    }
}

/// Rows of one partition of a table, or of an index.
#[derive(Debug, Default, Clone)]
pub struct Query {
    /// The index, unless it is the table itself.
    pub index: Option<Cow<'static, str>>,
    /// Which rows.
    pub condition: Cow<'static, str>,
    /// The condition's names and values.
    pub terms: Terms,
    /// Strongly consistent; an index cannot be read so.
    pub consistent: bool,
    /// From the last to the first.
    pub backward: bool,
    /// Most rows of one page.
    pub most: Option<u32>,
    /// Where the page before ended.
    pub from: Option<Item>,
    /// Count the rows and bring none.
    pub count_only: bool,
}

/// A page of a query.
#[derive(Debug, Default)]
pub struct Page {
    /// The rows.
    pub items: Vec<Item>,
    /// How many there are.
    pub count: usize,
    /// Where the next page starts; nothing when this was the last.
    pub next: Option<Item>,
}

/// Keys by table.
pub type KeysByTable = Vec<(TableName, Vec<PrimaryKey>)>;

/// What a batch read brought.
#[derive(Debug, Default)]
pub struct Got {
    /// Rows by table.
    pub items: Vec<(TableName, Vec<Item>)>,
    /// Keys that a busy store left out. They have to be asked for again.
    pub left_out: KeysByTable,
}

/// A row to be written, in place of the row with its key.
#[derive(Debug, Clone)]
pub struct PutItem {
    /// Its table.
    pub table: TableName,
    /// The row.
    pub item: Item,
    /// What has to hold.
    pub condition: Option<Cow<'static, str>>,
    /// If the condition does not hold, tell the row that is there. Transactions do not.
    pub tell_old: bool,
}

/// A change to one row.
#[derive(Debug, Clone)]
pub struct UpdateItem {
    /// Its table.
    pub table: TableName,
    /// Its key.
    pub key: PrimaryKey,
    /// What changes.
    pub update: Cow<'static, str>,
    /// What has to hold.
    pub condition: Option<Cow<'static, str>>,
    /// Names and values of both.
    pub terms: Terms,
    /// Tell the row as it is afterwards. Transactions do not.
    pub tell_new: bool,
}

/// A row that something has to hold for.
#[derive(Debug, Clone)]
pub struct Held {
    /// Its table.
    pub table: TableName,
    /// Its key.
    pub key: PrimaryKey,
    /// What has to hold.
    pub condition: Option<Cow<'static, str>>,
    /// The condition's names and values.
    pub terms: Terms,
}

/// One step of a transaction.
#[derive(Debug, Clone)]
pub enum TransactItem {
    /// Writes a row.
    Put(PutItem),
    /// Changes a row.
    Update(UpdateItem),
    /// Deletes a row.
    Delete(Held),
    /// Demands something of a row, and changes nothing.
    Check(Held),
}

/// Why a step stood in the way of its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Its condition did not hold.
    Condition,
    /// Another write was under way.
    Conflict,
    /// Something else, by DynamoDB's name for it.
    Other(String),
}

impl Reason {
    /// A reason by the name that DynamoDB has for it; nothing for a step that was not in the way.
    #[must_use]
    pub fn named(code: &str) -> Option<Self> {
        match code {
            "" | "None" => None,
            "ConditionalCheckFailed" => Some(Self::Condition),
            "TransactionConflict" => Some(Self::Conflict),
            other => Some(Self::Other(other.to_owned())),
        }
    }
}

/// A write did not happen.
#[derive(Debug)]
pub enum WriteError {
    /// The condition did not hold. With it comes the row that is there, if the put asked for it.
    Condition(Option<Item>),
    /// A transaction was cancelled: its steps' reasons, and a text for the log.
    Cancelled(Vec<Option<Reason>>, String),
    /// The store did not answer or refused.
    Store(StoreError),
}

impl From<StoreError> for WriteError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<WriteError> for StoreError {
    /// For writes whose conditions hold unless something is wrong.
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Store(error) => error,
            WriteError::Condition(_) => Self::named("ConditionalCheckFailedException", "a condition did not hold"),
            WriteError::Cancelled(_, text) => Self::Unavailable(text),
        }
    }
}

/// A store.
///
/// It tries again by itself what failed for a moment, gives up after a few seconds, and counts its attempts
/// ([`super::meter`]). A transaction that it sends twice happens once.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Makes a table, unless it is there.
    async fn create_table(&self, table: &TableSpec) -> Result<(), StoreError>;

    /// Reads one row, strongly consistent.
    async fn get(&self, table: &TableName, key: PrimaryKey) -> Result<Option<Item>, StoreError>;

    /// Reads up to a hundred different keys, strongly consistent.
    async fn batch_get(&self, keys: KeysByTable) -> Result<Got, StoreError>;

    /// Reads a page of rows.
    async fn query(&self, table: &TableName, query: Query) -> Result<Page, StoreError>;

    /// Writes a row.
    async fn put(&self, put: PutItem) -> Result<(), WriteError>;

    /// Changes a row, and tells it if it was asked to.
    async fn update(&self, change: UpdateItem) -> Result<Option<Item>, WriteError>;

    /// Does all of these or nothing, up to a hundred.
    async fn transact(&self, steps: Vec<TransactItem>) -> Result<(), WriteError>;
}
