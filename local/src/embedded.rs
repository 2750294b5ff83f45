//! DynamoDB in this process: a store's backend on dynoxide's own types, without a request, JSON or a network between.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use dynoxide::actions::batch_get_item::{BatchGetItemRequest, KeysAndAttributes};
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::query::QueryRequest;
use dynoxide::actions::transact_write_items::{
    TransactConditionCheck, TransactDelete, TransactPut, TransactUpdate, TransactWriteItem, TransactWriteItemsRequest,
};
use dynoxide::actions::update_item::UpdateItemRequest;
use dynoxide::actions::update_time_to_live::{TimeToLiveSpecification, UpdateTimeToLiveRequest};
use dynoxide::errors::DynoxideError;
use dynoxide::types::{
    AttributeDefinition, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use dynoxide::{AttributeValue, Database};
use store::backend::{
    Backend, Got, Held, KeysByTable, Page, PrimaryKey, PutItem, Query, Reason, TableName, Terms, TransactItem,
    UpdateItem, WriteError,
};
use store::meter::{self, Counted};
use store::tables::{TTL, TableSpec};
use store::{Item, StoreError, Value};

/// Longest that a call may take. It can only be long where a disk or another process makes it wait.
const CALL: Duration = Duration::from_secs(4);

/// An embedded DynamoDB. Clones share it.
#[derive(Clone)]
pub struct Embedded {
    database: Database,
    /// Whether writes wait for a disk, and so belong on a thread that may wait.
    on_disk: bool,
    /// Rows put into audit tables since they were last taken: the stream of those tables.
    stream: Arc<Mutex<Vec<Item>>>,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Embedded")
    }
}

impl Embedded {
    /// In memory: gone with the process.
    pub fn in_memory() -> Result<Self, DynoxideError> {
        Ok(Self { database: Database::memory()?, on_disk: false, stream: Arc::default() })
    }

    /// In a SQLite file. What was acknowledged survives the process, and a power cut: each write is synced.
    pub fn in_file(path: &Path) -> Result<Self, DynoxideError> {
        Ok(Self { database: Database::new(&path.to_string_lossy())?, on_disk: true, stream: Arc::default() })
    }

    /// Drops rows whose TTL has passed, as DynamoDB does by itself. Says how many.
    pub fn sweep_ttl(&self) -> Result<usize, DynoxideError> {
        self.database.sweep_ttl()
    }

    /// Takes what was put into audit tables since the last time, as the stream of a table brings it on AWS. Whoever takes
    /// nothing lets it grow.
    pub fn take_stream(&self) -> Vec<Item> {
        std::mem::take(&mut self.stream.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes rows that were put, those in audit tables.
    pub fn note(&self, puts: impl IntoIterator<Item = (TableName, Item)>) {
        let rows = puts.into_iter().filter(|(table, _)| is_followed(table)).map(|(_, item)| item);
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).extend(rows);
    }

    /// The database, for tests that speak to it in another way. What they put is in the stream if they [`note`] it.
    ///
    /// [`note`]: Self::note
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Runs a call, on a thread that may wait if it can have to.
    ///
    /// Nothing is tried again: there is no network that could fail for a moment, and SQLite itself waits for a file that
    /// another process has locked.
    pub async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Database) -> Result<T, DynoxideError> + Send + 'static,
    ) -> Result<T, DynoxideError> {
        if !self.on_disk {
            // In memory an operation takes some tens of microseconds: less than handing it to another thread.
            return call(&self.database);
        }
        let database = self.database.clone();
        match tokio::time::timeout(CALL, tokio::task::spawn_blocking(move || call(&database))).await {
            Ok(Ok(done)) => done,
            Ok(Err(error)) => Err(DynoxideError::InternalServerError(error.to_string())),
            Err(_) => Err(DynoxideError::InternalServerError("no answer in time".to_owned())),
        }
    }

    /// Runs a call of the backend, counted.
    async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Database) -> Result<T, DynoxideError> + Send + 'static,
    ) -> Result<T, DynoxideError> {
        meter::count(Counted::StoreCall);
        self.run(call).await
    }
}

/// Whether somebody follows the table's stream.
fn is_followed(table: &str) -> bool {
    table.ends_with("-audit")
}

fn code(error: &DynoxideError) -> &'static str {
    let kind = error.error_type();
    kind.rsplit_once('#').map_or(kind, |(_, code)| code)
}

fn failed(error: &DynoxideError) -> StoreError {
    StoreError::named(code(error), &error.to_string())
}

fn not_written(error: DynoxideError) -> WriteError {
    match error {
        DynoxideError::ConditionalCheckFailedException(_, there) => WriteError::Condition(there.map(item)),
        DynoxideError::TransactionCanceledException(ref text, ref reasons) => {
            let text = format!("{}: {text}", code(&error));
            WriteError::Cancelled(reasons.iter().map(|reason| Reason::named(&reason.code)).collect(), text)
        }
        error => failed(&error).into(),
    }
}

type Attributes = HashMap<String, AttributeValue>;

fn their_value(value: Value) -> AttributeValue {
    match value {
        Value::S(text) => AttributeValue::S(text),
        Value::N(number) => AttributeValue::N(number),
        Value::B(bytes) => AttributeValue::B(bytes),
        Value::Bool(value) => AttributeValue::BOOL(value),
        Value::Null => AttributeValue::NULL(true),
        Value::Ss(texts) => AttributeValue::SS(texts),
        Value::Ns(numbers) => AttributeValue::NS(numbers),
        Value::Bs(bytes) => AttributeValue::BS(bytes),
        Value::L(values) => AttributeValue::L(values.into_iter().map(their_value).collect()),
        Value::M(item) => AttributeValue::M(attributes(item)),
    }
}

fn attributes(item: Item) -> Attributes {
    item.into_iter().map(|(name, value)| (name.into_owned(), their_value(value))).collect()
}

fn value(value: AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => Value::S(text),
        AttributeValue::N(number) => Value::N(number),
        AttributeValue::B(bytes) => Value::B(bytes),
        AttributeValue::BOOL(value) => Value::Bool(value),
        AttributeValue::NULL(_) => Value::Null,
        AttributeValue::SS(texts) => Value::Ss(texts),
        AttributeValue::NS(numbers) => Value::Ns(numbers),
        AttributeValue::BS(bytes) => Value::Bs(bytes),
        AttributeValue::L(values) => Value::L(values.into_iter().map(self::value).collect()),
        AttributeValue::M(attributes) => Value::M(item(attributes)),
    }
}

fn item(attributes: Attributes) -> Item {
    attributes.into_iter().map(|(name, it)| (name.into(), value(it))).collect()
}

fn values(terms: Terms) -> Option<Attributes> {
    (!terms.values.is_empty()).then(|| attributes(terms.values))
}

fn schema(hash: &str, range: Option<&str>) -> Vec<KeySchemaElement> {
    let element = |name: &str, key_type| KeySchemaElement { attribute_name: name.to_owned(), key_type };
    std::iter::once(element(hash, KeyType::HASH)).chain(range.map(|range| element(range, KeyType::RANGE))).collect()
}

fn step(step: TransactItem) -> TransactWriteItem {
    let mut written = TransactWriteItem::default();
    match step {
        TransactItem::Put(put) => {
            written.put = Some(TransactPut {
                table_name: put.table.to_string(),
                item: attributes(put.item),
                condition_expression: put.condition.map(Into::into),
                ..TransactPut::default()
            });
        }
        TransactItem::Update(change) => {
            written.update = Some(TransactUpdate {
                table_name: change.table.to_string(),
                key: attributes(change.key.into()),
                update_expression: change.update.into_owned(),
                condition_expression: change.condition.map(Into::into),
                expression_attribute_names: change.terms.names_by_alias(),
                expression_attribute_values: values(change.terms),
                ..TransactUpdate::default()
            });
        }
        TransactItem::Delete(Held { table, key: of, condition, terms }) => {
            written.delete = Some(TransactDelete {
                table_name: table.to_string(),
                key: attributes(of.into()),
                condition_expression: condition.map(Into::into),
                expression_attribute_names: terms.names_by_alias(),
                expression_attribute_values: values(terms),
                ..TransactDelete::default()
            });
        }
        TransactItem::Check(Held { table, key: of, condition, terms }) => {
            written.condition_check = Some(TransactConditionCheck {
                table_name: table.to_string(),
                key: attributes(of.into()),
                condition_expression: condition.unwrap_or_default().into_owned(),
                expression_attribute_names: terms.names_by_alias(),
                expression_attribute_values: values(terms),
                ..TransactConditionCheck::default()
            });
        }
    }
    written
}

#[async_trait]
impl Backend for Embedded {
    async fn create_table(&self, table: &TableSpec) -> Result<(), StoreError> {
        let define = |name: &str| AttributeDefinition {
            attribute_name: name.to_owned(),
            attribute_type: ScalarAttributeType::S,
        };
        let index = |(name, [hash, range]): &(&str, [&str; 2])| GlobalSecondaryIndex {
            index_name: (*name).to_owned(),
            key_schema: schema(hash, Some(range)),
            projection: Projection { projection_type: Some(ProjectionType::ALL), non_key_attributes: None },
            provisioned_throughput: None,
        };
        let create = CreateTableRequest {
            table_name: table.name.to_string(),
            billing_mode: Some("PAY_PER_REQUEST".to_owned()),
            key_schema: schema("pk", table.has_sort_key.then_some("sk")),
            attribute_definitions: table.key_attributes().into_iter().map(define).collect(),
            global_secondary_indexes: Some(table.indexes.iter().map(index).collect())
                .filter(|indexes: &Vec<_>| !indexes.is_empty()),
            ..CreateTableRequest::default()
        };
        match self.call(move |database| database.create_table(create)).await {
            Err(DynoxideError::ResourceInUseException(_)) => return Ok(()),
            other => other.map_err(|error| failed(&error))?,
        };
        let expire = UpdateTimeToLiveRequest {
            table_name: table.name.to_string(),
            time_to_live_specification: TimeToLiveSpecification { attribute_name: TTL.to_owned(), enabled: true },
        };
        let expires = self.call(move |database| database.update_time_to_live(expire)).await;
        expires.map(drop).map_err(|error| failed(&error))
    }

    async fn get(&self, table: &TableName, of: PrimaryKey) -> Result<Option<Item>, StoreError> {
        let get = GetItemRequest {
            table_name: table.to_string(),
            key: attributes(of.into()),
            consistent_read: Some(true),
            ..GetItemRequest::default()
        };
        let got = self.call(move |database| database.get_item(get)).await.map_err(|error| failed(&error))?;
        Ok(got.item.map(item))
    }

    async fn batch_get(&self, keys: KeysByTable) -> Result<Got, StoreError> {
        let tables: Vec<TableName> = keys.iter().map(|(table, _)| table.clone()).collect();
        let wanted = |(table, keys): (TableName, Vec<PrimaryKey>)| {
            let keys = keys.into_iter().map(|key| attributes(key.into())).collect();
            (table.to_string(), KeysAndAttributes { keys, consistent_read: Some(true), ..KeysAndAttributes::default() })
        };
        let get = BatchGetItemRequest {
            request_items: keys.into_iter().map(wanted).collect(),
            ..BatchGetItemRequest::default()
        };
        let mut got = self.call(move |database| database.batch_get_item(get)).await.map_err(|error| failed(&error))?;
        let mut answer = Got::default();
        for table in tables {
            if let Some(items) = got.responses.remove(&*table) {
                answer.items.push((table.clone(), items.into_iter().map(item).collect()));
            }
            if let Some(left_out) = got.unprocessed_keys.get(&*table) {
                answer.left_out.push((table, keys_left_out(left_out)?));
            }
        }
        Ok(answer)
    }

    async fn query(&self, table: &TableName, query: Query) -> Result<Page, StoreError> {
        let read = QueryRequest {
            table_name: table.to_string(),
            index_name: query.index.map(Into::into),
            key_condition_expression: Some(query.condition.into_owned()),
            expression_attribute_names: query.terms.names_by_alias(),
            expression_attribute_values: values(query.terms),
            consistent_read: Some(query.consistent),
            scan_index_forward: !query.backward,
            limit: query.most.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
            exclusive_start_key: query.from.map(attributes),
            select: query.count_only.then(|| "COUNT".to_owned()),
            ..QueryRequest::default()
        };
        let answer = self.call(move |database| database.query(read)).await.map_err(|error| failed(&error))?;
        Ok(Page {
            items: answer.items.unwrap_or_default().into_iter().map(item).collect(),
            count: answer.count,
            next: answer.last_evaluated_key.map(item),
        })
    }

    async fn put(&self, put: PutItem) -> Result<(), WriteError> {
        let followed = is_followed(&put.table).then(|| (put.table.clone(), put.item.clone()));
        let write = PutItemRequest {
            table_name: put.table.to_string(),
            item: attributes(put.item),
            condition_expression: put.condition.map(Into::into),
            return_values_on_condition_check_failure: put.tell_old.then(|| "ALL_OLD".to_owned()),
            ..PutItemRequest::default()
        };
        self.call(move |database| database.put_item(write)).await.map_err(not_written)?;
        self.note(followed);
        Ok(())
    }

    async fn update(&self, change: UpdateItem) -> Result<Option<Item>, WriteError> {
        let write = UpdateItemRequest {
            table_name: change.table.to_string(),
            key: attributes(change.key.into()),
            update_expression: Some(change.update.into_owned()),
            condition_expression: change.condition.map(Into::into),
            expression_attribute_names: change.terms.names_by_alias(),
            expression_attribute_values: values(change.terms),
            return_values: change.tell_new.then(|| "ALL_NEW".to_owned()),
            ..UpdateItemRequest::default()
        };
        let answer = self.call(move |database| database.update_item(write)).await.map_err(not_written)?;
        Ok(answer.attributes.map(item))
    }

    async fn transact(&self, steps: Vec<TransactItem>) -> Result<(), WriteError> {
        let put = |step: &TransactItem| match step {
            TransactItem::Put(put) if is_followed(&put.table) => Some((put.table.clone(), put.item.clone())),
            _ => None,
        };
        let followed: Vec<_> = steps.iter().filter_map(put).collect();
        let write = TransactWriteItemsRequest {
            transact_items: steps.into_iter().map(step).collect(),
            ..TransactWriteItemsRequest::default()
        };
        self.call(move |database| database.transact_write_items(write)).await.map_err(not_written)?;
        self.note(followed);
        Ok(())
    }
}

/// What a batch left out because its answer would have been too large. Of all that dynoxide answers, this alone is JSON.
fn keys_left_out(left_out: &serde_json::Value) -> Result<Vec<PrimaryKey>, StoreError> {
    let keys: Option<Vec<Attributes>> = serde_json::from_value(left_out["Keys"].clone()).ok();
    let keys = keys.map(|keys| keys.into_iter().filter_map(|key| PrimaryKey::take_from(&mut item(key))).collect());
    keys.ok_or_else(|| StoreError::Unavailable("keys that were left out cannot be read".to_owned()))
}
