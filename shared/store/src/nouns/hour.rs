//! Reads by the hour, counted by whoever follows the audit table.

use protocol::VaultId;
use rules::Time;
use serde::{Deserialize, Serialize};

use crate::engine::attribute::attributes;
use crate::engine::row::{Row, RowKey};
use crate::engine::table::Table;
use crate::{Lists, StoreError};

/// Milliseconds of an hour.
pub const HOUR_MS: u64 = 3_600_000;
/// How long hours are kept, in days: as long as the records they count.
const KEPT_DAYS: u64 = 365;

/// The reads of one hour of a vault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hour {
    /// The hour, counted from the epoch.
    pub hour: u64,
    /// Values that were delivered, by single reads and exports.
    #[serde(default)]
    pub reads: u64,
    /// Reads that were refused to machines that had shown who they are.
    #[serde(default)]
    pub denied: u64,
}

fn row(vault: VaultId, hour: u64) -> RowKey<Hour> {
    RowKey::new(format!("STATS#{vault}"), sort_key(hour))
}

fn sort_key(hour: u64) -> String {
    format!("HOUR#{hour:010}")
}

impl Row for Hour {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "hour of reads";
}

attributes! {
    Hour {
        HOUR = hour "hour": u64;
        READS = reads "reads": u64;
        DENIED = denied "denied": u64;
    }
}

impl Lists {
    /// Adds to the counts of an hour.
    pub async fn count_reads(&self, vault: VaultId, counts: Hour) -> Result<(), StoreError> {
        let ends = Time::from_ms((counts.hour + 1) * HOUR_MS).plus_seconds(KEPT_DAYS * 86_400);
        let mut counted = row(vault, counts.hour).upsert().set(HOUR, &counts.hour).drop_after(ends);
        for (attribute, number) in [(READS, counts.reads), (DENIED, counts.denied)] {
            if number > 0 {
                counted = counted.add(attribute, number);
            }
        }
        self.change(counted).await
    }

    /// The hours of a vault in which there was something to count, from one to another, both included.
    pub async fn hours(&self, vault: VaultId, first: u64, last: u64) -> Result<Vec<Hour>, StoreError> {
        self.query_between(format!("STATS#{vault}"), &sort_key(first), &sort_key(last)).await
    }
}
