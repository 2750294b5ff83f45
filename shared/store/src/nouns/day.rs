//! How many deliveries to webhooks a vault had on a day, for plans that limit them.

use protocol::VaultId;
use rules::Time;
use serde::Deserialize;

use crate::engine::attribute::attributes;
use crate::engine::row::{Row, RowKey};
use crate::engine::table::Table;
use crate::{Lists, Step, StoreError, Transaction};

/// How long a day's count is kept, in days.
const KEPT_DAYS: u64 = 2;
/// How often a count is tried again when another one was counted first.
const TRIES: usize = 16;

/// The deliveries of a vault on a UTC day.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Deliveries {
    /// How many.
    pub used: u64,
    /// When somebody was told that there are no more today.
    pub told_at: Option<Time>,
}

/// Key of the count of the day.
#[must_use]
pub fn deliveries(vault: VaultId, now: Time) -> RowKey<Deliveries> {
    RowKey::new(format!("DELIVERED#{vault}"), now.day().to_string())
}

impl Row for Deliveries {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "deliveries of a day";
}

attributes! {
    Deliveries {
        USED = used "used": u64;
        TOLD_AT = told_at "toldAt": Option<Time>;
    }
}

/// Notes that somebody was told today that there are no more deliveries. The step is refused when it was noted already.
pub fn note_told(write: &mut Transaction<'_>, vault: VaultId, now: Time) -> Step {
    write.change(deliveries(vault, now).upsert().set(TOLD_AT, &Some(now)).only_if(TOLD_AT.absent()))
}

impl Lists {
    /// A vault's deliveries today.
    pub async fn deliveries_today(&self, vault: VaultId, now: Time) -> Result<Deliveries, StoreError> {
        Ok(self.get(&deliveries(vault, now)).await?.unwrap_or_default())
    }

    /// Counts deliveries that are wanted now, as many as there may be today; says how many those are.
    pub async fn count_deliveries(
        &self,
        vault: VaultId,
        wanted: u64,
        limit: Option<u64>,
        now: Time,
    ) -> Result<u64, StoreError> {
        let more = |count| {
            let change = deliveries(vault, now).upsert().add(USED, count);
            change.drop_after(now.plus_seconds(KEPT_DAYS * 86_400))
        };
        let Some(limit) = limit else {
            self.change_if(more(wanted)).await?;
            return Ok(wanted);
        };
        for _ in 0..TRIES {
            let used = self.get(&deliveries(vault, now)).await?.map(|today| today.used);
            let count = wanted.min(limit.saturating_sub(used.unwrap_or_default()));
            let unchanged = used.filter(|used| *used > 0).map_or_else(|| USED.missing(), |used| USED.is(&used));
            if count == 0 || self.change_if(more(count).only_if(unchanged)).await? {
                return Ok(count);
            }
        }
        Err(StoreError::Unavailable("deliveries are counted all the time".to_owned()))
    }
}
