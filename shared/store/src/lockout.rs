//! Failed authentications of a source address. Written only on failure.

use std::net::IpAddr;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use vault::Time;
use vault::lockout::{Limits, Lockout};

use crate::item::{Item, Key, Row, from_item};
use crate::tables::Table;
use crate::{Store, StoreError, Update};

/// A lockout row and the address it is about. The row's key is the address, so it is not among its attributes.
impl Row for Lockout {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "lockout";
    /// Never put whole: the row comes to be by its first failure.
    fn key(&self) -> Key<Self> {
        Key::new("LOCKOUT#", "LOCKOUT")
    }
}

/// Key of what is known of an address.
#[must_use]
pub fn lockout(address: IpAddr) -> Key<Lockout> {
    Key::new(format!("LOCKOUT#{address}"), "LOCKOUT")
}

/// How many failures a row holds before the old ones are cut off.
const KEPT: usize = 50;

impl Store {
    /// Counts one failed authentication and locks the address out when it was one too many.
    pub async fn count_failure(&self, address: IpAddr, limits: &Limits, now: Time) -> Result<(), StoreError> {
        let key = lockout(address);
        let failure = AttributeValue::L(vec![AttributeValue::N(now.ms().to_string())]);
        let ttl = now.plus_seconds(limits.window_seconds.max(limits.lock_seconds) + 60);
        let answer = self
            .client
            .update_item()
            .table_name(self.name(Table::Vault))
            .set_key(Some(key.to_item()))
            .update_expression("SET failures = list_append(if_not_exists(failures, :none), :failure), #ttl = :ttl")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":none", AttributeValue::L(vec![]))
            .expression_attribute_values(":failure", failure)
            .expression_attribute_values(":ttl", AttributeValue::N(ttl.seconds().to_string()))
            .return_values(ReturnValue::AllNew)
            .send()
            .await?;
        let known: Lockout = from_item(Lockout::KIND, answer.attributes.unwrap_or_else(Item::new))?;
        if let Some(until) = known.due(limits, now) {
            self.update(Update::of(&key).set("lockedUntil", &until)?.set("failures", &Vec::<Time>::new())?).await?;
        } else if known.failures.len() > KEPT {
            let start = now.minus_seconds(limits.window_seconds);
            let recent: Vec<Time> = known.failures.iter().copied().filter(|at| *at > start).collect();
            // Another failure may have come meanwhile; then the next one cuts.
            let cut = Update::of(&key).set("failures", &recent)?.when_equals("failures", &known.failures)?;
            self.update_if(cut).await?;
        }
        Ok(())
    }
}
