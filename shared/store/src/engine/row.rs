//! Rows as items, and typed keys.

use std::marker::PhantomData;

use rules::Time;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::backend::PrimaryKey;
use super::convert;
use super::item::{Item, Value};
use super::table::{TTL, Table};
use crate::StoreError;

/// The key of one row, which knows what kind of row it leads to.
pub struct RowKey<R> {
    pub(crate) pk: String,
    pub(crate) sk: String,
    row: PhantomData<fn() -> R>,
}

impl<R> RowKey<R> {
    pub(crate) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into(), row: PhantomData }
    }

    pub(crate) fn primary(&self) -> PrimaryKey {
        PrimaryKey { pk: self.pk.clone(), sk: Some(self.sk.clone()) }
    }
}

/// A kind of row that can be read: where it is kept.
pub trait Row: DeserializeOwned {
    /// Its table.
    const TABLE: Table;
    /// What it is called when it is damaged.
    const KIND: &'static str;
}

/// A kind of row that is written whole. Others come to be by changes.
pub trait Put: Row + Serialize {
    /// Its key.
    fn key(&self) -> RowKey<Self>;

    /// Its place in the table's `by-owner` index, if it has one.
    fn owner(&self) -> Option<(String, String)> {
        None
    }

    /// When DynamoDB may drop it. Nothing relies on that happening.
    fn drop_after(&self) -> Option<Time> {
        None
    }
}

/// A part of a sort key that sorts as the time does.
pub(crate) fn sortable(time: Time) -> String {
    format!("{:013}", time.ms())
}

fn unwritable(error: &serde_dynamo::Error) -> StoreError {
    StoreError::Damaged(format!("cannot be written: {error}"))
}

/// A value as an attribute.
pub(crate) fn attribute(value: &impl Serialize) -> Result<Value, StoreError> {
    convert::to_value(value).map_err(|error| unwritable(&error))
}

/// A struct's fields as attributes. What is absent is left out, so that `attribute_not_exists` means absent.
pub(crate) fn attributes(fields: &impl Serialize) -> Result<Item, StoreError> {
    let mut item = convert::to_item(fields).map_err(|error| unwritable(&error))?;
    item.retain(|value| *value != Value::Null);
    Ok(item)
}

pub(crate) fn to_item<R: Put>(row: &R) -> Result<Item, StoreError> {
    let mut item = attributes(row)?;
    let RowKey { pk, sk, .. } = row.key();
    item.set("pk", pk);
    item.set("sk", sk);
    if let Some((pk, sk)) = row.owner() {
        item.set("ownerPk", pk);
        item.set("ownerSk", sk);
    }
    if let Some(time) = row.drop_after() {
        item.set(TTL, time.seconds());
    }
    Ok(item)
}

pub(crate) fn from_item<R: DeserializeOwned>(kind: &str, item: Item) -> Result<R, StoreError> {
    // The library's message can quote the item; the kind of row is all that anybody is told.
    convert::from_item(item).map_err(|_| StoreError::Damaged(kind.to_owned()))
}
