//! The operations of a store as calls of the AWS client.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    self, AttributeDefinition, AttributeValue, BillingMode, ConditionCheck, Delete, GlobalSecondaryIndex,
    KeySchemaElement, KeyType, KeysAndAttributes, Projection, ProjectionType, ReturnValue,
    ReturnValuesOnConditionCheckFailure, ScalarAttributeType, Select, TimeToLiveSpecification, TransactWriteItem,
};
use store::backend::{
    Backend, Got, Held, KeysByTable, Page, PrimaryKey, PutItem, Query, Reason, TableName, Terms, TransactItem,
    UpdateItem, WriteError,
};
use store::tables::{TTL, TableSpec};
use store::{Item, StoreError, Value};

use crate::describe;
use crate::error::failed;

/// DynamoDB.
///
/// The client tries again by itself, and sends a token with each transaction, so that one whose answer was lost happens
/// once.
#[derive(Clone)]
pub struct DynamoDb(Client);

impl DynamoDb {
    /// By a client with the configuration of [`crate::bounded`].
    #[must_use]
    pub fn by(client: Client) -> Self {
        Self(client)
    }
}

type Attributes = HashMap<String, AttributeValue>;

fn their_value(value: Value) -> AttributeValue {
    match value {
        Value::S(text) => AttributeValue::S(text),
        Value::N(number) => AttributeValue::N(number),
        Value::B(bytes) => AttributeValue::B(Blob::new(bytes)),
        Value::Bool(value) => AttributeValue::Bool(value),
        Value::Null => AttributeValue::Null(true),
        Value::Ss(texts) => AttributeValue::Ss(texts),
        Value::Ns(numbers) => AttributeValue::Ns(numbers),
        Value::Bs(bytes) => AttributeValue::Bs(bytes.into_iter().map(Blob::new).collect()),
        Value::L(values) => AttributeValue::L(values.into_iter().map(their_value).collect()),
        Value::M(item) => AttributeValue::M(attributes(item)),
    }
}

fn attributes(item: Item) -> Attributes {
    item.into_iter().map(|(name, value)| (name.into_owned(), their_value(value))).collect()
}

fn value(value: AttributeValue) -> Result<Value, StoreError> {
    Ok(match value {
        AttributeValue::S(text) => Value::S(text),
        AttributeValue::N(number) => Value::N(number),
        AttributeValue::B(bytes) => Value::B(bytes.into_inner()),
        AttributeValue::Bool(value) => Value::Bool(value),
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Ss(texts) => Value::Ss(texts),
        AttributeValue::Ns(numbers) => Value::Ns(numbers),
        AttributeValue::Bs(bytes) => Value::Bs(bytes.into_iter().map(Blob::into_inner).collect()),
        AttributeValue::L(values) => Value::L(values.into_iter().map(self::value).collect::<Result<_, _>>()?),
        AttributeValue::M(attributes) => Value::M(item(attributes)?),
        _ => return Err(StoreError::Damaged("an attribute of an unknown type".to_owned())),
    })
}

fn item(attributes: Attributes) -> Result<Item, StoreError> {
    attributes.into_iter().map(|(name, it)| Ok((name.into(), value(it)?))).collect()
}

fn items(all: Option<Vec<Attributes>>) -> Result<Vec<Item>, StoreError> {
    all.unwrap_or_default().into_iter().map(item).collect()
}

fn values(terms: Terms) -> Option<Attributes> {
    (!terms.values.is_empty()).then(|| attributes(terms.values))
}

/// The client misses something in a request: a mistake of ours.
#[expect(clippy::needless_pass_by_value, reason = "what map_err gives")]
fn unfinished(error: BuildError) -> StoreError {
    StoreError::Refused(error.to_string())
}

fn schema(hash: &str, range: Option<&str>) -> Result<Vec<KeySchemaElement>, BuildError> {
    let element = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    std::iter::once(element(hash, KeyType::Hash)).chain(range.map(|range| element(range, KeyType::Range))).collect()
}

fn index(name: &str, [hash, range]: [&str; 2]) -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(name)
        .set_key_schema(Some(schema(hash, Some(range))?))
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()
}

fn define(name: &str) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
}

fn step(step: TransactItem) -> Result<TransactWriteItem, BuildError> {
    let item = TransactWriteItem::builder();
    Ok(match step {
        TransactItem::Put(put) => {
            let put = types::Put::builder()
                .table_name(&*put.table)
                .set_item(Some(attributes(put.item)))
                .set_condition_expression(put.condition.map(Into::into));
            item.put(put.build()?)
        }
        TransactItem::Update(change) => {
            let update = types::Update::builder()
                .table_name(&*change.table)
                .set_key(Some(attributes(change.key.into())))
                .update_expression(change.update)
                .set_condition_expression(change.condition.map(Into::into))
                .set_expression_attribute_names(change.terms.names_by_alias())
                .set_expression_attribute_values(values(change.terms));
            item.update(update.build()?)
        }
        TransactItem::Delete(Held { table, key: of, condition, terms }) => {
            let delete = Delete::builder()
                .table_name(&*table)
                .set_key(Some(attributes(of.into())))
                .set_condition_expression(condition.map(Into::into))
                .set_expression_attribute_names(terms.names_by_alias())
                .set_expression_attribute_values(values(terms));
            item.delete(delete.build()?)
        }
        TransactItem::Check(Held { table, key: of, condition, terms }) => {
            let check = ConditionCheck::builder()
                .table_name(&*table)
                .set_key(Some(attributes(of.into())))
                .set_condition_expression(condition.map(Into::into))
                .set_expression_attribute_names(terms.names_by_alias())
                .set_expression_attribute_values(values(terms));
            item.condition_check(check.build()?)
        }
    }
    .build())
}

#[async_trait]
impl Backend for DynamoDb {
    async fn create_table(&self, table: &TableSpec) -> Result<(), StoreError> {
        let indexes: Result<Vec<_>, _> = table.indexes.iter().map(|(name, keys)| index(name, *keys)).collect();
        let attributes: Result<_, _> = table.key_attributes().into_iter().map(define).collect();
        let create = self
            .0
            .create_table()
            .table_name(&*table.name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_key_schema(Some(schema("pk", table.has_sort_key.then_some("sk")).map_err(unfinished)?))
            .set_attribute_definitions(Some(attributes.map_err(unfinished)?))
            .set_global_secondary_indexes(Some(indexes.map_err(unfinished)?).filter(|indexes| !indexes.is_empty()));
        match create.send().await {
            Err(SdkError::ServiceError(error)) if error.err().is_resource_in_use_exception() => return Ok(()),
            other => other.map_err(|error| failed(&error))?,
        };
        let ttl = TimeToLiveSpecification::builder().attribute_name(TTL).enabled(true).build().map_err(unfinished)?;
        let expires =
            self.0.update_time_to_live().table_name(&*table.name).time_to_live_specification(ttl).send().await;
        expires.map(drop).map_err(|error| failed(&error))
    }

    async fn get(&self, table: &TableName, of: PrimaryKey) -> Result<Option<Item>, StoreError> {
        let get = self.0.get_item().table_name(&**table).set_key(Some(attributes(of.into()))).consistent_read(true);
        get.send().await.map_err(|error| failed(&error))?.item.map(item).transpose()
    }

    async fn batch_get(&self, keys: KeysByTable) -> Result<Got, StoreError> {
        let tables: Vec<TableName> = keys.iter().map(|(table, _)| table.clone()).collect();
        let wanted = |(table, keys): (TableName, Vec<PrimaryKey>)| {
            let keys = keys.into_iter().map(|key| attributes(key.into())).collect();
            let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            Ok((table.to_string(), keys.map_err(unfinished)?))
        };
        let wanted = keys.into_iter().map(wanted).collect::<Result<_, StoreError>>()?;
        let answer = self.0.batch_get_item().set_request_items(Some(wanted)).send().await;
        let answer = answer.map_err(|error| failed(&error))?;
        let (mut rows, mut left_out) =
            (answer.responses.unwrap_or_default(), answer.unprocessed_keys.unwrap_or_default());
        let mut got = Got::default();
        for table in tables {
            if let Some(there) = rows.remove(&*table) {
                got.items.push((table.clone(), items(Some(there))?));
            }
            if let Some(keys) = left_out.remove(&*table) {
                let keys = items(Some(keys.keys))?.iter_mut().filter_map(PrimaryKey::take_from).collect();
                got.left_out.push((table, keys));
            }
        }
        Ok(got)
    }

    async fn query(&self, table: &TableName, query: Query) -> Result<Page, StoreError> {
        let read = self
            .0
            .query()
            .table_name(&**table)
            .set_index_name(query.index.map(Into::into))
            .key_condition_expression(query.condition)
            .set_expression_attribute_names(query.terms.names_by_alias())
            .set_expression_attribute_values(values(query.terms))
            .set_consistent_read(query.consistent.then_some(true))
            .set_scan_index_forward(query.backward.then_some(false))
            .set_limit(query.most.map(|most| i32::try_from(most).unwrap_or(i32::MAX)))
            .set_exclusive_start_key(query.from.map(attributes))
            .set_select(query.count_only.then_some(Select::Count));
        let answer = read.send().await.map_err(|error| failed(&error))?;
        Ok(Page {
            items: items(answer.items)?,
            count: usize::try_from(answer.count).unwrap_or_default(),
            next: answer.last_evaluated_key.map(item).transpose()?,
        })
    }

    async fn put(&self, put: PutItem) -> Result<(), WriteError> {
        let tell_old = put.tell_old.then_some(ReturnValuesOnConditionCheckFailure::AllOld);
        let write = self
            .0
            .put_item()
            .table_name(&*put.table)
            .set_item(Some(attributes(put.item)))
            .set_condition_expression(put.condition.map(Into::into))
            .set_return_values_on_condition_check_failure(tell_old);
        match write.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                match error.into_err() {
                    PutItemError::ConditionalCheckFailedException(failed) => {
                        Err(WriteError::Condition(failed.item.map(item).transpose()?))
                    }
                    _ => Err(WriteError::Condition(None)),
                }
            }
            Err(error) => Err(failed(&error).into()),
        }
    }

    async fn update(&self, change: UpdateItem) -> Result<Option<Item>, WriteError> {
        let write = self
            .0
            .update_item()
            .table_name(&*change.table)
            .set_key(Some(attributes(change.key.into())))
            .update_expression(change.update)
            .set_condition_expression(change.condition.map(Into::into))
            .set_expression_attribute_names(change.terms.names_by_alias())
            .set_expression_attribute_values(values(change.terms))
            .set_return_values(change.tell_new.then_some(ReturnValue::AllNew));
        match write.send().await {
            Ok(answer) => Ok(answer.attributes.map(item).transpose()?),
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) =>
            {
                Err(WriteError::Condition(None))
            }
            Err(error) => Err(failed(&error).into()),
        }
    }

    async fn transact(&self, steps: Vec<TransactItem>) -> Result<(), WriteError> {
        let steps: Result<_, _> = steps.into_iter().map(step).collect();
        let write = self.0.transact_write_items().set_transact_items(Some(steps.map_err(unfinished)?));
        let Err(error) = write.send().await else { return Ok(()) };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons.as_deref().unwrap_or_default();
                let reasons = reasons.iter().map(|reason| Reason::named(reason.code.as_deref().unwrap_or_default()));
                Err(WriteError::Cancelled(reasons.collect(), describe(&error).1))
            }
            _ => Err(failed(&error).into()),
        }
    }
}
