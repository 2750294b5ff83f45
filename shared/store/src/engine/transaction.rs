//! Transactions: what has to hold together is written together.

use std::borrow::Cow;

use rules::audit::{Record, Written};

use super::attribute::{Attribute, Condition};
use super::audit;
use super::backend::{Held, PutItem, Reason, Terms, TransactItem, WriteError};
use super::change::{self, Change, THERE};
use super::item::Item;
use super::read::backoff;
use super::row::{Put, Row, RowKey, to_item};
use super::table::Table;
use crate::{Lists, StoreError};

/// Most rows in one transaction (DynamoDB's limit).
pub const ROWS: usize = 100;
/// The condition that a key is free.
pub(super) const FREE: &str = "attribute_not_exists(pk)";
/// How often a transaction is tried when other writes are in the way.
const CONFLICT_TRIES: u32 = 10;

/// A step of a transaction, to be known again when its condition did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step(usize);

/// A transaction did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The condition of this step did not hold; nothing was written.
    #[error("the condition of step {} did not hold", .0.0)]
    Refused(Step),
    /// Other writes were in the way again and again; nothing was written.
    #[error("other writes were in the way")]
    Conflict,
    /// The store did not answer or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Lists {
    /// Deletes rows, as many in one transaction as fit; each by itself can be gone already.
    pub async fn delete_all<R: Put>(&self, rows: &[R]) -> Result<(), CommitError> {
        for some in rows.chunks(ROWS) {
            let mut write = self.transaction();
            for row in some {
                write.delete(&row.key());
            }
            write.commit().await?;
        }
        Ok(())
    }
}

/// Rows that are written together or not at all, each step with its condition. [`CommitError::Refused`]
/// says which step's did not hold.
#[must_use = "a transaction happens when it is committed"]
pub struct Transaction<'a> {
    store: &'a Lists,
    steps: Vec<TransactItem>,
    broken: Option<StoreError>,
    written: Vec<Written>,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(store: &'a Lists) -> Self {
        Self { store, steps: vec![], broken: None, written: vec![] }
    }

    fn push(&mut self, step: Result<TransactItem, StoreError>) -> Step {
        let number = self.steps.len();
        match step {
            Ok(step) => self.steps.push(step),
            // Kept for `commit`, so that adding steps reads as a list.
            Err(error) => self.broken = Some(error),
        }
        Step(number)
    }

    fn push_put(&mut self, table: Table, item: Result<Item, StoreError>, condition: Option<Cow<'static, str>>) -> Step {
        let table = self.store.name(table).clone();
        self.push(item.map(|item| TransactItem::Put(PutItem { table, item, condition, tell_old: false })))
    }

    fn push_held<R: Row>(
        &mut self,
        key: &RowKey<R>,
        is_there: bool,
        conditions: impl IntoIterator<Item = Condition<R>>,
        step: fn(Held) -> TransactItem,
    ) -> Step {
        let table = self.store.name(R::TABLE).clone();
        let mut terms = Terms::default();
        let held = conditions.into_iter().map(|condition| condition.text(&mut terms));
        let held = is_there.then(|| Ok(THERE.to_owned())).into_iter().chain(held).collect::<Result<Vec<_>, _>>();
        let key = key.primary();
        self.push(held.map(|held| step(Held { table, key, condition: change::all_of(&held), terms })))
    }

    /// Puts a row whose key must be free.
    pub fn put_new<R: Put>(&mut self, row: &R) -> Step {
        self.push_put(R::TABLE, to_item(row), Some(FREE.into()))
    }

    /// Puts a row, over one of its kind unless that has this attribute.
    pub fn put_unless<R: Put, V>(&mut self, row: &R, there: Attribute<R, Option<V>>) -> Step {
        self.push_put(R::TABLE, to_item(row), Some(format!("attribute_not_exists({})", there.name).into()))
    }

    /// Puts a row, over whatever is there.
    pub fn put<R: Put>(&mut self, row: &R) -> Step {
        self.push_put(R::TABLE, to_item(row), None)
    }

    /// Changes a row.
    pub fn change<R: Row>(&mut self, change: Change<R>) -> Step {
        self.push(change.item(self.store, false).map(TransactItem::Update))
    }

    /// Deletes a row if it is there.
    pub fn delete<R: Row>(&mut self, key: &RowKey<R>) -> Step {
        self.push_held(key, false, [], TransactItem::Delete)
    }

    /// Deletes a row that has to be there.
    pub fn delete_existing<R: Row>(&mut self, key: &RowKey<R>) -> Step {
        self.push_held(key, true, [], TransactItem::Delete)
    }

    /// Deletes a row that has to be there, only if this holds.
    pub fn delete_if<R: Row>(&mut self, key: &RowKey<R>, conditions: impl IntoIterator<Item = Condition<R>>) -> Step {
        self.push_held(key, true, conditions, TransactItem::Delete)
    }

    /// Demands that a row is there.
    pub fn require<R: Row>(&mut self, key: &RowKey<R>) -> Step {
        self.push_held(key, true, [], TransactItem::Check)
    }

    /// Demands that a row is there and this holds.
    pub fn require_if<R: Row>(&mut self, key: &RowKey<R>, conditions: impl IntoIterator<Item = Condition<R>>) -> Step {
        self.push_held(key, true, conditions, TransactItem::Check)
    }

    /// Records the change in the audit log.
    pub fn record(&mut self, record: &Record) -> Step {
        self.written.push(record.written.clone());
        self.push_put(Table::Audit, audit::record_item(record), None)
    }

    /// Takes a signer's nonce with the record of its request, by this item of the audit table.
    pub(super) fn take_nonce(&mut self, item: Item, record: &Record) -> Step {
        self.written.push(record.written.clone());
        self.push_put(Table::Audit, Ok(item), Some(FREE.into()))
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
                    self.written.iter().for_each(Written::note);
                    return Ok(());
                }
                Err(WriteError::Cancelled(reasons, text)) => {
                    let first = |reason: &Reason| reasons.iter().position(|why| why.as_ref() == Some(reason));
                    if let Some(step) = first(&Reason::Condition) {
                        return Err(CommitError::Refused(Step(step)));
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
    pub async fn commit_unless_refused(self, at: Step) -> Result<bool, CommitError> {
        match self.commit().await {
            Ok(()) => Ok(true),
            Err(CommitError::Refused(step)) if step == at => Ok(false),
            Err(error) => Err(error),
        }
    }
}
