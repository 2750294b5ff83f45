//! Rows as DynamoDB items, and typed keys.

use std::collections::HashMap;
use std::marker::PhantomData;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use vault::Time;

use crate::StoreError;
use crate::tables::Table;

/// A row's attributes.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The key of one row, which knows what kind of row it leads to.
pub struct Key<R> {
    pub(crate) pk: String,
    pub(crate) sk: Option<String>,
    row: PhantomData<fn() -> R>,
}

impl<R> Key<R> {
    pub(crate) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: Some(sk.into()), row: PhantomData }
    }

    pub(crate) fn to_item(&self) -> Item {
        let mut item = Item::from([("pk".to_owned(), AttributeValue::S(self.pk.clone()))]);
        if let Some(sk) = &self.sk {
            item.insert("sk".to_owned(), AttributeValue::S(sk.clone()));
        }
        item
    }
}

/// A kind of row: where it is kept and under which key.
pub trait Row: Serialize + DeserializeOwned {
    /// Its table.
    const TABLE: Table;
    /// What it is called when it is damaged.
    const KIND: &'static str;

    /// Its key.
    fn key(&self) -> Key<Self>;

    /// Its place in the table's `by-owner` index, if it has one.
    fn owner(&self) -> Option<(String, String)> {
        None
    }

    /// When DynamoDB may drop it. Nothing relies on that happening.
    fn drop_after(&self) -> Option<Time> {
        None
    }
}

/// A value as an attribute.
pub(crate) fn attribute(value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value)
        .map_err(|error| StoreError::Damaged(format!("cannot be written: {error}")))
}

/// A struct's fields as attributes. What is absent is left out, so that `attribute_not_exists` means absent.
pub(crate) fn attributes(fields: &impl Serialize) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(fields)
        .map_err(|error| StoreError::Damaged(format!("cannot be written: {error}")))?;
    item.retain(|_, value| !value.is_null());
    Ok(item)
}

pub(crate) fn to_item<R: Row>(row: &R) -> Result<Item, StoreError> {
    let mut item = attributes(row)?;
    item.extend(row.key().to_item());
    if let Some((pk, sk)) = row.owner() {
        item.insert("ownerPk".to_owned(), AttributeValue::S(pk));
        item.insert("ownerSk".to_owned(), AttributeValue::S(sk));
    }
    if let Some(time) = row.drop_after() {
        item.insert("ttl".to_owned(), AttributeValue::N(time.seconds().to_string()));
    }
    Ok(item)
}

pub(crate) fn from_item<R: DeserializeOwned>(kind: &str, item: Item) -> Result<R, StoreError> {
    // The library's message can quote the item; the kind of row is all that anybody is told.
    serde_dynamo::aws_sdk_dynamodb_1::from_item(item).map_err(|_| StoreError::Damaged(kind.to_owned()))
}
