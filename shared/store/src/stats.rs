//! What is counted: reads by the hour, kept by whoever follows the audit table; and how many things a vault has.

use protocol::{SecretId, VaultId};
use serde::{Deserialize, Serialize};
use vault::Time;
use vault::audit::Record;

use crate::engine::item::Item;
use crate::engine::row::{Key, Row, from_item};
use crate::engine::table::Table;
use crate::{Lists, StoreError, Update, vaults};

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

impl Row for Hour {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "hour of reads";
    /// Never put whole: the row comes to be by its first count.
    fn key(&self) -> Key<Self> {
        Key::new("STATS#", "HOUR#")
    }
}

fn hour(vault: VaultId, hour: u64) -> Key<Hour> {
    Key::new(format!("STATS#{vault}"), sort_key(hour))
}

fn sort_key(hour: u64) -> String {
    format!("HOUR#{hour:010}")
}

/// The records among the audit table's rows, as its stream brings them: a nonce can be without one.
pub fn records(images: impl IntoIterator<Item = Item>) -> Result<Vec<Record>, StoreError> {
    let of_records = images.into_iter().filter(|image| image.get("vaultDay").is_some());
    of_records.map(|image| from_item("audit record", image)).collect()
}

impl Lists {
    /// Adds to the counts of an hour.
    pub async fn count_reads(&self, vault: VaultId, counts: Hour) -> Result<(), StoreError> {
        let ends = Time::from_ms((counts.hour + 1) * HOUR_MS).plus_seconds(KEPT_DAYS * 86_400);
        let mut update =
            Update::of(&hour(vault, counts.hour)).set("hour", &counts.hour)?.set("ttl", &ends.seconds())?;
        for (name, number) in [("reads", counts.reads), ("denied", counts.denied)] {
            if number > 0 {
                update = update.add(name, number);
            }
        }
        self.update(update).await
    }

    /// Writes down when a secret was last delivered, unless that is known of a later time. One that is gone stays gone.
    pub async fn note_access(&self, secret: SecretId, at: Time) -> Result<(), StoreError> {
        let key = vaults::secret(secret);
        let note = Update::existing(&key).set("lastAccessedAt", &at)?.when_absent_or_less("lastAccessedAt", &at)?;
        self.update_if(note).await.map(|_| ())
    }

    /// The hours of a vault in which there was something to count, from one to another, both included.
    pub async fn hours(&self, vault: VaultId, first: u64, last: u64) -> Result<Vec<Hour>, StoreError> {
        self.query_between(format!("STATS#{vault}"), &sort_key(first), &sort_key(last)).await
    }

    /// How many machines a vault has.
    pub async fn count_machines(&self, vault: VaultId) -> Result<usize, StoreError> {
        self.count_owned(Table::Vault, format!("VAULT#{vault}"), "MACHINE#").await
    }

    /// How many enrollment tokens a vault has, ended ones too.
    pub async fn count_enrollment_tokens(&self, vault: VaultId) -> Result<usize, StoreError> {
        self.count_owned(Table::Vault, format!("VAULT#{vault}"), "ENROLLMENT#").await
    }

    /// How many AI agents a vault has.
    pub async fn count_agents(&self, vault: VaultId) -> Result<usize, StoreError> {
        self.count_owned(Table::Agents, format!("VAULT#{vault}"), "AGENT#").await
    }
}
