//! Writing: updates with conditions, and transactions that hold together what has to.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Serialize;
use vault::audit::Record;

use super::audit;
use super::backend::{Change, Held, PrimaryKey, Put, Reason, Step, Terms, WriteError};
use super::item::{Item, Value};
use super::meter::{self, Counted};
use super::read::backoff;
use super::row::{Key, Row, attribute, to_item};
use super::table::Table;
use crate::{Lists, StoreError};

/// Most rows in one transaction (DynamoDB's limit).
pub const ROWS: usize = 100;
/// The condition that a key is free.
pub(super) const FREE: &str = "attribute_not_exists(pk)";
/// The condition that a row is there.
const THERE: &str = "attribute_exists(pk)";
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

impl Terms {
    fn alias(&mut self, attribute: &str) -> String {
        let alias = format!("#{attribute}");
        if self.names.iter().all(|(known, _)| *known != alias) {
            self.names.push((alias.clone().into(), attribute.to_owned().into()));
        }
        alias
    }

    fn add(&mut self, value: Value) -> String {
        let alias = format!(":v{}", self.values.len());
        self.values.set(alias.clone(), value);
        alias
    }
}

/// Changes to one row, with conditions. Unless told otherwise the row has to be there.
#[derive(Clone)]
pub struct Update {
    table: Table,
    key: PrimaryKey,
    terms: Terms,
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
            key: key.primary(),
            terms: Terms::default(),
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
        update.conditions.push(THERE.to_owned());
        update
    }

    /// Sets an attribute.
    pub fn set(mut self, name: &str, value: &impl Serialize) -> Result<Self, StoreError> {
        let (name, value) = (self.terms.alias(name), self.terms.add(attribute(value)?));
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
        let name = self.terms.alias(name);
        self.remove.push(name);
        self
    }

    /// Sets an entry of a map attribute.
    pub fn set_entry(mut self, map: &str, entry: &str, value: &impl Serialize) -> Result<Self, StoreError> {
        let (map, entry) = (self.terms.alias(map), self.terms.alias(entry));
        let value = self.terms.add(attribute(value)?);
        self.set.push(format!("{map}.{entry} = {value}"));
        Ok(self)
    }

    /// Adds an element to a list attribute, which has to be there.
    pub fn append(mut self, list: &str, element: &impl Serialize) -> Result<Self, StoreError> {
        let list = self.terms.alias(list);
        let element = self.terms.add(attribute(&[element])?);
        self.conditions.push(format!("attribute_exists({list})"));
        self.set.push(format!("{list} = list_append({list}, {element})"));
        Ok(self)
    }

    /// Removes an entry of a map attribute.
    #[must_use]
    pub fn remove_entry(mut self, map: &str, entry: &str) -> Self {
        let (map, entry) = (self.terms.alias(map), self.terms.alias(entry));
        self.remove.push(format!("{map}.{entry}"));
        self
    }

    /// Adds to a number.
    #[must_use]
    pub fn add(mut self, name: &str, number: u64) -> Self {
        let name = self.terms.alias(name);
        let value = self.terms.add(number.into());
        self.add.push(format!("{name} {value}"));
        self
    }

    fn compare(mut self, name: &str, operator: &str, value: &impl Serialize) -> Result<Self, StoreError> {
        let (name, value) = (self.terms.alias(name), self.terms.add(attribute(value)?));
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
        let (name, value) = (self.terms.alias(name), self.terms.add(attribute(value)?));
        self.conditions.push(format!("(attribute_not_exists({name}) OR {name} < {value})"));
        Ok(self)
    }

    /// Only if the attribute is not there.
    #[must_use]
    pub fn when_absent(mut self, name: &str) -> Self {
        let name = self.terms.alias(name);
        self.conditions.push(format!("attribute_not_exists({name})"));
        self
    }

    /// Only if the attribute is there.
    #[must_use]
    pub fn when_present(mut self, name: &str) -> Self {
        let name = self.terms.alias(name);
        self.conditions.push(format!("attribute_exists({name})"));
        self
    }

    /// Only if a map attribute has fewer entries than this.
    pub fn when_fewer(mut self, name: &str, entries: usize) -> Result<Self, StoreError> {
        let (name, value) = (self.terms.alias(name), self.terms.add(attribute(&entries)?));
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

    fn condition(&self) -> Option<Cow<'static, str>> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND ").into())
    }

    fn change(self, store: &Lists) -> Change {
        Change {
            table: store.name(self.table).clone(),
            update: self.text().into(),
            condition: self.condition(),
            key: self.key,
            terms: self.terms,
            tell_new: false,
        }
    }

    /// The row with the conditions, without the changes.
    fn held(self, store: &Lists) -> Held {
        Held { table: store.name(self.table).clone(), condition: self.condition(), key: self.key, terms: self.terms }
    }
}

impl Lists {
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
        match self.backend.update(update.change(self)).await {
            Ok(_) => Ok(true),
            Err(WriteError::Condition(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Lists {
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
    store: &'a Lists,
    steps: Vec<Step>,
    broken: Option<StoreError>,
    recorded: bool,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(store: &'a Lists) -> Self {
        Self { store, steps: vec![], broken: None, recorded: false }
    }

    fn push(&mut self, step: Step) -> usize {
        self.steps.push(step);
        self.steps.len().saturating_sub(1)
    }

    fn push_put(
        &mut self,
        table: Table,
        item: Result<Item, StoreError>,
        condition: Option<Cow<'static, str>>,
    ) -> usize {
        match item {
            Ok(item) => {
                let table = self.store.name(table).clone();
                self.push(Step::Put(Put { table, item, condition, tell_old: false }))
            }
            Err(error) => {
                // Kept for `commit`, so that adding steps reads as a list.
                self.broken = Some(error);
                self.steps.len()
            }
        }
    }

    fn push_held<R: Row>(&mut self, key: &Key<R>, condition: Option<&'static str>, step: fn(Held) -> Step) -> usize {
        let table = self.store.name(R::TABLE).clone();
        let condition = condition.map(Cow::Borrowed);
        self.push(step(Held { table, key: key.primary(), condition, terms: Terms::default() }))
    }

    /// Puts a row whose key must be free.
    pub fn put_new<R: Row>(&mut self, row: &R) -> usize {
        self.push_put(R::TABLE, to_item(row), Some(FREE.into()))
    }

    /// Puts a row, over one of its kind unless that has this attribute.
    pub fn put_unless<R: Row>(&mut self, row: &R, attribute: &'static str) -> usize {
        self.push_put(R::TABLE, to_item(row), Some(format!("attribute_not_exists({attribute})").into()))
    }

    /// Puts a row, over whatever is there.
    pub fn put<R: Row>(&mut self, row: &R) -> usize {
        self.push_put(R::TABLE, to_item(row), None)
    }

    /// Changes a row.
    pub fn update(&mut self, update: Update) -> usize {
        self.push(Step::Change(update.change(self.store)))
    }

    /// Deletes a row if it is there.
    pub fn delete<R: Row>(&mut self, key: &Key<R>) -> usize {
        self.push_held(key, None, Step::Delete)
    }

    /// Deletes a row that has to be there.
    pub fn delete_existing<R: Row>(&mut self, key: &Key<R>) -> usize {
        self.push_held(key, Some(THERE), Step::Delete)
    }

    /// Deletes the row that this update is about, on the update's conditions; what it would change does not matter.
    pub fn delete_if(&mut self, on: Update) -> usize {
        self.push(Step::Delete(on.held(self.store)))
    }

    /// Demands that a row is there.
    pub fn require<R: Row>(&mut self, key: &Key<R>) -> usize {
        self.push_held(key, Some(THERE), Step::Check)
    }

    /// Demands that this update's conditions hold, and changes nothing.
    pub fn require_if(&mut self, on: Update) -> usize {
        self.push(Step::Check(on.held(self.store)))
    }

    /// Records the change in the audit log.
    pub fn record(&mut self, record: &Record) -> usize {
        self.recorded = true;
        self.push_put(Table::Audit, audit::record_item(record), None)
    }

    /// Writes everything, or nothing.
    ///
    /// A request that is sent twice because its answer was lost happens once. When another write is in the way nothing
    /// was written, and it is tried again for a while.
    pub async fn commit(self) -> Result<(), CommitError> {
        if let Some(error) = self.broken {
            return Err(error.into());
        }
        for again in 0..CONFLICT_TRIES {
            backoff(again).await;
            match self.store.backend.transact(self.steps.clone()).await {
                Ok(()) => {
                    if self.recorded {
                        meter::count(Counted::Record);
                    }
                    return Ok(());
                }
                Err(WriteError::Cancelled(reasons, text)) => {
                    let first = |reason: &Reason| reasons.iter().position(|why| why.as_ref() == Some(reason));
                    if let Some(step) = first(&Reason::Condition) {
                        return Err(CommitError::Refused(step));
                    }
                    if first(&Reason::Conflict).is_none() {
                        return Err(StoreError::Unavailable(text).into());
                    }
                }
                Err(error) => return Err(StoreError::from(error).into()),
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
