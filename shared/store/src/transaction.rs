//! Writing: updates with conditions, and transactions that hold together what has to.

use std::fmt::Write as _;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update as DynamoUpdate};
use serde::Serialize;
use vault::audit::Record;

use crate::dynamo::backoff;
use crate::item::{Item, Key, Row, attribute, to_item};
use crate::meter::{self, Counted};
use crate::tables::Table;
use crate::{Store, StoreError, audit};

/// Most rows in one transaction (DynamoDB's limit).
pub const ROWS: usize = 100;
/// How often a transaction is tried when other writes are in the way.
const CONFLICT_TRIES: u32 = 10;

/// A transaction did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The condition of this step did not hold; nothing was written.
    #[error("the condition of step {0} did not hold")]
    Refused(usize),
    /// Other writes were in the way again and again; nothing was written.
    #[error("other writes were in the way")]
    Conflict,
    /// The store did not answer or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Names and values of an expression, under aliases, so that no attribute name is ever a reserved word.
#[derive(Default, Clone)]
struct Expression {
    names: std::collections::HashMap<String, String>,
    values: Item,
}

impl Expression {
    fn name(&mut self, attribute: &str) -> String {
        let alias = format!("#{attribute}");
        self.names.insert(alias.clone(), attribute.to_owned());
        alias
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let alias = format!(":v{}", self.values.len());
        self.values.insert(alias.clone(), value);
        alias
    }
}

/// Changes to one row, with conditions. Unless told otherwise the row has to be there.
#[derive(Clone)]
pub struct Update {
    table: Table,
    key: Item,
    expression: Expression,
    set: Vec<String>,
    remove: Vec<String>,
    add: Vec<String>,
    conditions: Vec<String>,
}

impl Update {
    /// Changes to the row with this key, made if need be.
    #[must_use]
    pub fn of<R: Row>(key: &Key<R>) -> Self {
        Self {
            table: R::TABLE,
            key: key.to_item(),
            expression: Expression::default(),
            set: vec![],
            remove: vec![],
            add: vec![],
            conditions: vec![],
        }
    }

    /// Changes to the row with this key, which has to be there.
    #[must_use]
    pub fn existing<R: Row>(key: &Key<R>) -> Self {
        let mut update = Self::of(key);
        update.conditions.push("attribute_exists(pk)".to_owned());
        update
    }

    /// Sets an attribute.
    pub fn set(mut self, name: &str, value: &impl Serialize) -> Result<Self, StoreError> {
        let (name, value) = (self.expression.name(name), self.expression.value(attribute(value)?));
        self.set.push(format!("{name} = {value}"));
        Ok(self)
    }

    /// Sets an attribute, or removes it when there is no value.
    pub fn set_or_remove(self, name: &str, value: Option<&impl Serialize>) -> Result<Self, StoreError> {
        match value {
            Some(value) => self.set(name, value),
            None => Ok(self.remove(name)),
        }
    }

    /// Removes an attribute.
    #[must_use]
    pub fn remove(mut self, name: &str) -> Self {
        let name = self.expression.name(name);
        self.remove.push(name);
        self
    }

    /// Sets an entry of a map attribute.
    pub fn set_entry(mut self, map: &str, entry: &str, value: &impl Serialize) -> Result<Self, StoreError> {
        let (map, entry) = (self.expression.name(map), self.expression.name(entry));
        let value = self.expression.value(attribute(value)?);
        self.set.push(format!("{map}.{entry} = {value}"));
        Ok(self)
    }

    /// Adds an element to a list attribute, which has to be there.
    pub fn append(mut self, list: &str, element: &impl Serialize) -> Result<Self, StoreError> {
        let list = self.expression.name(list);
        let element = self.expression.value(attribute(&[element])?);
        self.conditions.push(format!("attribute_exists({list})"));
        self.set.push(format!("{list} = list_append({list}, {element})"));
        Ok(self)
    }

    /// Removes an entry of a map attribute.
    #[must_use]
    pub fn remove_entry(mut self, map: &str, entry: &str) -> Self {
        let (map, entry) = (self.expression.name(map), self.expression.name(entry));
        self.remove.push(format!("{map}.{entry}"));
        self
    }

    /// Adds to a number.
    #[must_use]
    pub fn add(mut self, name: &str, number: u64) -> Self {
        let name = self.expression.name(name);
        let value = self.expression.value(AttributeValue::N(number.to_string()));
        self.add.push(format!("{name} {value}"));
        self
    }

    fn compare(mut self, name: &str, operator: &str, value: &impl Serialize) -> Result<Self, StoreError> {
        let (name, value) = (self.expression.name(name), self.expression.value(attribute(value)?));
        self.conditions.push(format!("{name} {operator} {value}"));
        Ok(self)
    }

    /// Only if the attribute has this value.
    pub fn when_equals(self, name: &str, value: &impl Serialize) -> Result<Self, StoreError> {
        self.compare(name, "=", value)
    }

    /// Only if the attribute is less than this.
    pub fn when_less(self, name: &str, value: &impl Serialize) -> Result<Self, StoreError> {
        self.compare(name, "<", value)
    }

    /// Only if the attribute is not there, or less than this.
    pub fn when_absent_or_less(mut self, name: &str, value: &impl Serialize) -> Result<Self, StoreError> {
        let (name, value) = (self.expression.name(name), self.expression.value(attribute(value)?));
        self.conditions.push(format!("(attribute_not_exists({name}) OR {name} < {value})"));
        Ok(self)
    }

    /// Only if the attribute is not there.
    #[must_use]
    pub fn when_absent(mut self, name: &str) -> Self {
        let name = self.expression.name(name);
        self.conditions.push(format!("attribute_not_exists({name})"));
        self
    }

    /// Only if the attribute is there.
    #[must_use]
    pub fn when_present(mut self, name: &str) -> Self {
        let name = self.expression.name(name);
        self.conditions.push(format!("attribute_exists({name})"));
        self
    }

    /// Only if a map attribute has fewer entries than this.
    pub fn when_fewer(mut self, name: &str, entries: usize) -> Result<Self, StoreError> {
        let (name, value) = (self.expression.name(name), self.expression.value(attribute(&entries)?));
        self.conditions.push(format!("size({name}) < {value}"));
        Ok(self)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (word, parts) in [("SET", &self.set), ("REMOVE", &self.remove), ("ADD", &self.add)] {
            if !parts.is_empty() {
                let _ = write!(text, "{word} {} ", parts.join(", "));
            }
        }
        text
    }

    fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }
}

fn none_if_empty<K, V>(map: std::collections::HashMap<K, V>) -> Option<std::collections::HashMap<K, V>> {
    (!map.is_empty()).then_some(map)
}

impl Store {
    /// Makes one update. A condition that does not hold is the caller's mistake here; see [`Store::update_if`].
    pub async fn update(&self, update: Update) -> Result<(), StoreError> {
        if self.update_if(update).await? {
            Ok(())
        } else {
            Err(StoreError::Damaged("a row changed meanwhile".to_owned()))
        }
    }

    /// Makes one update if its conditions hold, and says whether they did.
    pub async fn update_if(&self, update: Update) -> Result<bool, StoreError> {
        let sent = self
            .client
            .update_item()
            .table_name(self.name(update.table))
            .update_expression(update.text())
            .set_condition_expression(update.condition())
            .set_key(Some(update.key))
            .set_expression_attribute_names(none_if_empty(update.expression.names))
            .set_expression_attribute_values(none_if_empty(update.expression.values))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Store {
    /// Deletes rows, as many in one transaction as fit; each by itself can be gone already.
    pub async fn delete_all<R: Row>(&self, rows: &[R]) -> Result<(), CommitError> {
        for some in rows.chunks(ROWS) {
            let mut step = self.transaction();
            for row in some {
                step.delete(&row.key());
            }
            step.commit().await?;
        }
        Ok(())
    }
}

/// Rows that are written together or not at all, each step with its condition. A step's number says in
/// [`CommitError::Refused`] which one did not hold.
pub struct Transaction<'a> {
    store: &'a Store,
    steps: Vec<TransactWriteItem>,
    broken: Option<StoreError>,
    recorded: bool,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, steps: vec![], broken: None, recorded: false }
    }

    fn push(&mut self, step: Result<TransactWriteItem, StoreError>) -> usize {
        match step {
            Ok(step) => self.steps.push(step),
            // Kept for `commit`, so that adding steps reads as a list.
            Err(error) => self.broken = Some(error),
        }
        self.steps.len().saturating_sub(1)
    }

    fn put_step(&self, table: Table, item: Item, condition: Option<&str>) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(self.store.name(table))
            .set_item(Some(item))
            .set_condition_expression(condition.map(str::to_owned))
            .build()
            .map_err(|error| StoreError::Damaged(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Puts a row whose key must be free.
    pub fn put_new<R: Row>(&mut self, row: &R) -> usize {
        let step = to_item(row).and_then(|item| self.put_step(R::TABLE, item, Some("attribute_not_exists(pk)")));
        self.push(step)
    }

    /// Puts a row, over one of its kind unless that has this attribute.
    pub fn put_unless<R: Row>(&mut self, row: &R, attribute: &'static str) -> usize {
        let condition = format!("attribute_not_exists({attribute})");
        let step = to_item(row).and_then(|item| self.put_step(R::TABLE, item, Some(&condition)));
        self.push(step)
    }

    /// Puts a row, over whatever is there.
    pub fn put<R: Row>(&mut self, row: &R) -> usize {
        let step = to_item(row).and_then(|item| self.put_step(R::TABLE, item, None));
        self.push(step)
    }

    /// Changes a row.
    pub fn update(&mut self, update: Update) -> usize {
        let step = DynamoUpdate::builder()
            .table_name(self.store.name(update.table))
            .update_expression(update.text())
            .set_condition_expression(update.condition())
            .set_key(Some(update.key))
            .set_expression_attribute_names(none_if_empty(update.expression.names))
            .set_expression_attribute_values(none_if_empty(update.expression.values))
            .build()
            .map(|update| TransactWriteItem::builder().update(update).build())
            .map_err(|error| StoreError::Damaged(error.to_string()));
        self.push(step)
    }

    fn delete_step<R: Row>(&mut self, key: &Key<R>, condition: Option<&str>) -> usize {
        let step = Delete::builder()
            .table_name(self.store.name(R::TABLE))
            .set_key(Some(key.to_item()))
            .set_condition_expression(condition.map(str::to_owned))
            .build()
            .map(|delete| TransactWriteItem::builder().delete(delete).build())
            .map_err(|error| StoreError::Damaged(error.to_string()));
        self.push(step)
    }

    /// Deletes a row if it is there.
    pub fn delete<R: Row>(&mut self, key: &Key<R>) -> usize {
        self.delete_step(key, None)
    }

    /// Deletes a row that has to be there.
    pub fn delete_existing<R: Row>(&mut self, key: &Key<R>) -> usize {
        self.delete_step(key, Some("attribute_exists(pk)"))
    }

    /// Deletes the row that this update is about, on the update's conditions; what it would change does not matter.
    pub fn delete_if(&mut self, on: Update) -> usize {
        let step = Delete::builder()
            .table_name(self.store.name(on.table))
            .set_condition_expression(on.condition())
            .set_key(Some(on.key))
            .set_expression_attribute_names(none_if_empty(on.expression.names))
            .set_expression_attribute_values(none_if_empty(on.expression.values))
            .build()
            .map(|delete| TransactWriteItem::builder().delete(delete).build())
            .map_err(|error| StoreError::Damaged(error.to_string()));
        self.push(step)
    }

    /// Demands that a row is there.
    pub fn require<R: Row>(&mut self, key: &Key<R>) -> usize {
        let step = ConditionCheck::builder()
            .table_name(self.store.name(R::TABLE))
            .set_key(Some(key.to_item()))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map(|check| TransactWriteItem::builder().condition_check(check).build())
            .map_err(|error| StoreError::Damaged(error.to_string()));
        self.push(step)
    }

    /// Demands that this update's conditions hold, and changes nothing.
    pub fn require_if(&mut self, on: Update) -> usize {
        let step = ConditionCheck::builder()
            .table_name(self.store.name(on.table))
            .set_condition_expression(on.condition())
            .set_key(Some(on.key))
            .set_expression_attribute_names(none_if_empty(on.expression.names))
            .set_expression_attribute_values(none_if_empty(on.expression.values))
            .build()
            .map(|check| TransactWriteItem::builder().condition_check(check).build())
            .map_err(|error| StoreError::Damaged(error.to_string()));
        self.push(step)
    }

    /// Records the change in the audit log.
    pub fn record(&mut self, record: &Record) -> usize {
        self.recorded = true;
        let step = audit::record_item(record).and_then(|item| self.put_step(Table::Audit, item, None));
        self.push(step)
    }

    /// Writes everything, or nothing.
    ///
    /// The request carries a token, so one that is sent twice because its answer was lost happens once. When another
    /// write is in the way nothing was written, and it is tried again for a while.
    pub async fn commit(self) -> Result<(), CommitError> {
        if let Some(error) = self.broken {
            return Err(error.into());
        }
        for again in 0..CONFLICT_TRIES {
            backoff(again).await;
            let request = self.store.client.transact_write_items().set_transact_items(Some(self.steps.clone()));
            let Err(error) = request.send().await else {
                if self.recorded {
                    meter::count(Counted::Record);
                }
                return Ok(());
            };
            let reasons = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    cancelled.cancellation_reasons.as_deref().unwrap_or_default()
                }
                _ => &[],
            };
            let code = |code: &str| reasons.iter().position(|reason| reason.code.as_deref() == Some(code));
            if let Some(step) = code("ConditionalCheckFailed") {
                return Err(CommitError::Refused(step));
            }
            if code("TransactionConflict").is_none() {
                return Err(StoreError::from(error).into());
            }
        }
        Err(CommitError::Conflict)
    }

    /// Commits, and says whether it happened: not when the condition of this one step did not hold.
    pub async fn commit_unless_refused(self, at: usize) -> Result<bool, CommitError> {
        match self.commit().await {
            Ok(()) => Ok(true),
            Err(CommitError::Refused(step)) if step == at => Ok(false),
            Err(error) => Err(error),
        }
    }
}
