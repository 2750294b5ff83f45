//! The audit table: records and nonces.
//!
//! The row that makes a signed request unique *is* its audit record: one conditional write does both. Records are put,
//! and read in order of time; nothing here can change or delete one, and retention is the table's TTL.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use crypto::random;
use protocol::{MachineId, Nonce, VaultId};
use vault::Time;
use vault::audit::{Record, Severity};

use crate::dynamo::all_of;
use crate::item::{Item, attributes, from_item};
use crate::meter::{self, Counted};
use crate::tables::{BY_TIME, Table};
use crate::{Store, StoreError};

/// How long records are kept, in days (decisions 14).
const RETENTION_DAYS: u64 = 365;
/// How long the nonce of a request that is not audited is kept, in seconds. It has to outlive the ten minutes in which
/// its timestamp can pass.
const NONCE_SECONDS: u64 = 3_600;
/// Index partitions of a vault's day, so that a busy vault does not throttle on one.
const SHARDS: u8 = 8;
/// Most days one page looks back; a longer quiet time takes another page.
const DAYS_A_PAGE: u64 = 31;

/// Why a request's nonce could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum NonceError {
    /// It was used before.
    #[error("nonce used before")]
    Replayed,
    /// The store did not answer or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A page of the log, newest first.
pub struct Page {
    /// The records, each with its cursor.
    pub records: Vec<(String, Record)>,
    /// Where the next page starts; nothing when this was the last.
    pub next: Option<String>,
}

/// The audit table.
#[derive(Clone)]
pub struct Audit(Store);

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A record as an item, under this key.
fn indexed(pk: String, record: &Record) -> Result<Item, StoreError> {
    if record.severity == Severity::Critical {
        meter::count(Counted::CriticalRecord);
    }
    let [shard, tail @ ..] = random::bytes::<5>();
    let mut item = attributes(record)?;
    let ttl = record.timestamp.plus_seconds(RETENTION_DAYS * 86_400);
    item.insert("pk".to_owned(), text(pk));
    item.insert("vaultDay".to_owned(), text(partition(record.vault, record.timestamp.day(), shard % SHARDS)));
    item.insert("order".to_owned(), text(format!("{:013}-{}", record.timestamp.ms(), hex::encode(tail))));
    item.insert("ttl".to_owned(), AttributeValue::N(ttl.seconds().to_string()));
    Ok(item)
}

fn partition(vault: VaultId, day: u64, shard: u8) -> String {
    format!("{vault}#{day}#{shard}")
}

/// A record that belongs to no signed request.
pub(crate) fn record_item(record: &Record) -> Result<Item, StoreError> {
    indexed(format!("record#{}", hex::encode(random::bytes::<16>())), record)
}

impl Store {
    /// The audit table.
    pub fn audit(&self) -> Audit {
        Audit(self.clone())
    }
}

impl Audit {
    /// Takes a machine's nonce, and writes the record of its request in the same row if it is audited.
    ///
    /// The row also carries a number of this attempt. When the store wrote it and its answer was lost, the library
    /// asks again and finds its own row: that is not a replay.
    pub async fn take_nonce(
        &self,
        machine: MachineId,
        nonce: &Nonce,
        record: Option<&Record>,
        now: Time,
    ) -> Result<(), NonceError> {
        let pk = format!("machine#{machine}#{}", nonce.as_str());
        let mut item = match record {
            Some(record) => indexed(pk, record)?,
            None => Item::from([
                ("pk".to_owned(), text(pk)),
                ("ttl".to_owned(), AttributeValue::N(now.plus_seconds(NONCE_SECONDS).seconds().to_string())),
            ]),
        };
        let attempt = text(hex::encode(random::bytes::<12>()));
        item.insert("attempt".to_owned(), attempt.clone());
        let sent = self
            .0
            .client
            .put_item()
            .table_name(self.0.name(Table::Audit))
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), PutItemError::ConditionalCheckFailedException(_)) =>
            {
                let PutItemError::ConditionalCheckFailedException(failed) = error.err() else {
                    return Err(NonceError::Replayed);
                };
                let ours = failed.item.as_ref().and_then(|there| there.get("attempt")) == Some(&attempt);
                if ours { Ok(()) } else { Err(NonceError::Replayed) }
            }
            Err(error) => Err(StoreError::from(error).into()),
        }
    }

    /// Writes one record.
    pub async fn record(&self, record: &Record) -> Result<(), StoreError> {
        let item = record_item(record)?;
        self.0.client.put_item().table_name(self.0.name(Table::Audit)).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// Writes records; all are written when it returns without error.
    ///
    /// Each is a put of its own: the right to write batches would be a right to delete records too.
    pub async fn record_all(&self, records: Vec<Record>) -> Result<(), StoreError> {
        let writes = records.into_iter().map(|record| {
            let audit = self.clone();
            async move { audit.record(&record).await }
        });
        all_of(writes).await
    }

    /// A page of a vault's records, newest first: those before the cursor, not older than `since`.
    ///
    /// One page looks back over at most a month, so it may hold fewer than `size`, and there may still be a next one.
    pub async fn page(
        &self,
        vault: VaultId,
        before: Option<&str>,
        since: Time,
        now: Time,
        size: usize,
    ) -> Result<Page, StoreError> {
        let mut before = before.map_or_else(|| format!("{:013}~", now.ms()), str::to_owned);
        // There is nothing in days to come, whatever a cursor says.
        let at = before.split(['-', '~']).next().and_then(|ms| ms.parse().ok()).map_or(now, Time::from_ms);
        let newest = at.min(now).day();
        let oldest = since.day();
        let mut records: Vec<(String, Record)> = Vec::new();
        for day in (oldest..=newest).rev().take(usize::try_from(DAYS_A_PAGE).unwrap_or(31)) {
            records.extend(self.day(vault, day, &before, size.saturating_sub(records.len())).await?);
            if records.len() >= size {
                before = records.last().map_or(before, |(cursor, _)| cursor.clone());
                return Ok(Page { records, next: Some(before) });
            }
        }
        let looked_to = (newest + 1).saturating_sub(DAYS_A_PAGE);
        // The next page starts at the first moment of the last day looked at, which no record is before.
        let next = (looked_to > oldest).then(|| format!("{:013}-", looked_to * 86_400_000));
        Ok(Page { records, next })
    }

    /// The newest records of one day before the cursor, from all shards.
    async fn day(
        &self,
        vault: VaultId,
        day: u64,
        before: &str,
        size: usize,
    ) -> Result<Vec<(String, Record)>, StoreError> {
        let mut shards = tokio::task::JoinSet::new();
        for shard in 0..SHARDS {
            let request = self
                .0
                .client
                .query()
                .table_name(self.0.name(Table::Audit))
                .index_name(BY_TIME)
                .key_condition_expression("vaultDay = :day AND #order < :before")
                .expression_attribute_names("#order", "order")
                .expression_attribute_values(":day", text(partition(vault, day, shard)))
                .expression_attribute_values(":before", text(before))
                .scan_index_forward(false)
                .limit(i32::try_from(size).unwrap_or(i32::MAX));
            shards.spawn(meter::inherited(request.send()));
        }
        let mut records = Vec::new();
        while let Some(answer) = shards.join_next().await {
            let answer = answer.map_err(|error| StoreError::Unavailable(error.to_string()))??;
            for item in answer.items.unwrap_or_default() {
                let order = item.get("order").and_then(|order| order.as_s().ok()).cloned().unwrap_or_default();
                records.push((order, from_item::<Record>("audit record", item)?));
            }
        }
        records.sort_by(|(a, _), (b, _)| b.cmp(a));
        records.truncate(size);
        Ok(records)
    }
}
