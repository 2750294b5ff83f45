//! Changes to single rows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::marker::PhantomData;

use rules::Time;
use serde::Serialize;

use super::attribute::{Attribute, Condition};
use super::backend::{PrimaryKey, PutItem, Terms, UpdateItem, WriteError};
use super::item::Value;
use super::row::{Put, Row, RowKey, attribute, from_item, to_item};
use super::table::TTL;
use super::transaction::FREE;
use crate::{Lists, Store, StoreError};

/// The condition that a row is there.
pub(super) const THERE: &str = "attribute_exists(pk)";

/// Changes to one row, with conditions.
#[must_use = "a change happens when it is written"]
pub struct Change<R> {
    key: PrimaryKey,
    terms: Terms,
    set: Vec<String>,
    remove: Vec<String>,
    add: Vec<String>,
    delete: Vec<String>,
    conditions: Vec<String>,
    /// Kept until it is written, so that a change reads as a list.
    broken: Option<StoreError>,
    of: PhantomData<fn(&R)>,
}

impl<R: Row> RowKey<R> {
    /// Changes to this row, which has to be there.
    pub fn change(&self) -> Change<R> {
        let mut change = self.upsert();
        change.conditions.push(THERE.to_owned());
        change
    }

    /// Changes to this row, which comes to be by them unless it is there.
    pub fn upsert(&self) -> Change<R> {
        Change {
            key: self.primary(),
            terms: Terms::default(),
            set: vec![],
            remove: vec![],
            add: vec![],
            delete: vec![],
            conditions: vec![],
            broken: None,
            of: PhantomData,
        }
    }
}

impl<R> Change<R> {
    /// The value under an alias; nothing when there is none.
    fn term(&mut self, value: Result<Value, StoreError>) -> Option<String> {
        match value {
            Ok(Value::Null) => None,
            Ok(value) => Some(self.terms.add(value)),
            Err(error) => {
                self.broken = Some(error);
                None
            }
        }
    }

    fn set_or_remove(mut self, place: String, value: &impl Serialize) -> Self {
        match self.term(attribute(value)) {
            Some(value) => self.set.push(format!("{place} = {value}")),
            None => self.remove.push(place),
        }
        self
    }

    /// Sets an attribute; of no value, removes it.
    pub fn set<V: Serialize>(mut self, attribute: Attribute<R, V>, value: &V) -> Self {
        let place = self.terms.alias(attribute.name);
        self.set_or_remove(place, value)
    }

    /// Removes an attribute that may be absent.
    pub fn remove<V: Default>(mut self, attribute: Attribute<R, V>) -> Self {
        let place = self.terms.alias(attribute.name);
        self.remove.push(place);
        self
    }

    /// Sets an entry of a map.
    pub fn set_entry<K: fmt::Display, V: Serialize>(
        mut self,
        map: Attribute<R, BTreeMap<K, V>>,
        entry: &K,
        value: &V,
    ) -> Self {
        let place = self.entry(map, entry);
        self.set_or_remove(place, value)
    }

    /// Removes an entry of a map.
    pub fn remove_entry<K: fmt::Display, V>(mut self, map: Attribute<R, BTreeMap<K, V>>, entry: &K) -> Self {
        let place = self.entry(map, entry);
        self.remove.push(place);
        self
    }

    fn entry<K: fmt::Display, V>(&mut self, map: Attribute<R, BTreeMap<K, V>>, entry: &K) -> String {
        let (map, entry) = (self.terms.alias(map.name), self.terms.alias(&entry.to_string()));
        format!("{map}.{entry}")
    }

    /// Adds an element to a list, which has to be there.
    pub fn append<V: Serialize>(mut self, list: Attribute<R, Option<BTreeSet<V>>>, element: &V) -> Self {
        let list = self.terms.alias(list.name);
        if let Some(element) = self.term(attribute(&[element])) {
            self.conditions.push(format!("attribute_exists({list})"));
            self.set.push(format!("{list} = list_append({list}, {element})"));
        }
        self
    }

    /// Adds to a number.
    pub fn add(self, attribute: Attribute<R, u64>, number: u64) -> Self {
        self.add_to(attribute.name, number.into())
    }

    /// Takes from a number.
    pub fn subtract(self, attribute: Attribute<R, u64>, number: u64) -> Self {
        self.add_to(attribute.name, Value::N(format!("-{number}")))
    }

    /// Adds names to a set. A name that is in the set already stays.
    pub fn add_names(self, set: Attribute<R, BTreeSet<String>>, names: Vec<String>) -> Self {
        self.add_to(set.name, Value::Ss(names))
    }

    fn add_to(mut self, name: &str, value: Value) -> Self {
        let (name, value) = (self.terms.alias(name), self.terms.add(value));
        self.add.push(format!("{name} {value}"));
        self
    }

    /// Removes names from a set. A name that is not in the set is ignored.
    pub fn take_names(mut self, set: Attribute<R, BTreeSet<String>>, names: Vec<String>) -> Self {
        let (set, names) = (self.terms.alias(set.name), self.terms.add(Value::Ss(names)));
        self.delete.push(format!("{set} {names}"));
        self
    }

    /// Puts the row where this one has its place in the `by-owner` index.
    pub fn placed_as(mut self, row: &R) -> Self
    where
        R: Put,
    {
        if let Some((pk, sk)) = row.owner() {
            for (name, value) in [("ownerPk", pk), ("ownerSk", sk)] {
                let place = self.terms.alias(name);
                self = self.set_or_remove(place, &value);
            }
        }
        self
    }

    /// From then on DynamoDB may drop the row.
    pub fn drop_after(mut self, time: Time) -> Self {
        let place = self.terms.alias(TTL);
        self.set_or_remove(place, &time.seconds())
    }

    /// Only if this holds.
    pub fn only_if(mut self, condition: Condition<R>) -> Self {
        match condition.text(&mut self.terms) {
            Ok(condition) => self.conditions.push(condition),
            Err(error) => self.broken = Some(error),
        }
        self
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let parts = [("SET", &self.set), ("REMOVE", &self.remove), ("ADD", &self.add), ("DELETE", &self.delete)];
        for (word, parts) in parts {
            if !parts.is_empty() {
                let _ = write!(text, "{word} {} ", parts.join(", "));
            }
        }
        text
    }
}

/// Conditions that hold together, in DynamoDB's words; nothing when there are none.
pub(super) fn all_of(conditions: &[String]) -> Option<Cow<'static, str>> {
    (!conditions.is_empty()).then(|| conditions.join(" AND ").into())
}

impl<R: Row> Change<R> {
    pub(super) fn item(self, store: &Lists, tell_new: bool) -> Result<UpdateItem, StoreError> {
        match self.broken {
            Some(error) => Err(error),
            None => Ok(UpdateItem {
                table: store.name(R::TABLE).clone(),
                update: self.text().into(),
                condition: all_of(&self.conditions),
                key: self.key,
                terms: self.terms,
                tell_new,
            }),
        }
    }
}

impl Store {
    /// The row with this key, which is made if there is none. Of several who make one at once all get the one that was put.
    pub async fn get_or_put<R: Put, E: From<StoreError>>(
        &self,
        key: &RowKey<R>,
        make: impl AsyncFnOnce() -> Result<R, E>,
    ) -> Result<R, E> {
        if let Some(known) = self.get(key).await? {
            return Ok(known);
        }
        let new = make().await?;
        if self.put_new(&new).await? {
            return Ok(new);
        }
        let first = self.get(key).await?;
        first.ok_or_else(|| StoreError::Damaged(format!("{}: gone as soon as it was made", R::KIND)).into())
    }
}

impl Lists {
    /// Puts a row, over whatever is there.
    pub async fn put<R: Put>(&self, row: &R) -> Result<(), StoreError> {
        let (table, item) = (self.name(R::TABLE).clone(), to_item(row)?);
        Ok(self.backend.put(PutItem { table, item, condition: None, tell_old: false }).await?)
    }

    /// Puts a row unless its key is taken, and says whether it did.
    pub async fn put_new<R: Put>(&self, row: &R) -> Result<bool, StoreError> {
        let (table, item) = (self.name(R::TABLE).clone(), to_item(row)?);
        match self.backend.put(PutItem { table, item, condition: Some(FREE.into()), tell_old: false }).await {
            Ok(()) => Ok(true),
            Err(WriteError::Condition(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Changes a row. A condition that does not hold is the caller's mistake here; see [`Lists::change_if`].
    pub async fn change<R: Row>(&self, change: Change<R>) -> Result<(), StoreError> {
        if self.change_if(change).await? {
            Ok(())
        } else {
            Err(StoreError::Damaged(format!("{}: changed meanwhile", R::KIND)))
        }
    }

    /// Changes a row if the conditions hold, and says whether they did.
    pub async fn change_if<R: Row>(&self, change: Change<R>) -> Result<bool, StoreError> {
        match self.backend.update(change.item(self, false)?).await {
            Ok(_) => Ok(true),
            Err(WriteError::Condition(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Changes a row, and gives it as it is afterwards.
    pub(crate) async fn changed<R: Row>(&self, change: Change<R>) -> Result<R, StoreError> {
        let row = self.backend.update(change.item(self, true)?).await?;
        from_item(R::KIND, row.unwrap_or_default())
    }
}
