//! What ends by itself, in the order in which it ends.

use rules::Time;
use rules::nouns::{Expiring, Expiry};

use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{Lists, StoreError};

/// Partitions of the list, for all vaults of a deployment. One partition takes 1,000 writes a second
/// (docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html).
const SHARDS: u8 = 8;
/// The name of the list.
const EXPIRIES: &str = "EXPIRY";

/// The partition of such a list in which this thing is. Ids are random, so their sums spread.
pub(super) fn partition(list: &str, of: &str) -> String {
    format!("{list}#{}", of.bytes().fold(0, u8::wrapping_add) % SHARDS)
}

impl Row for Expiry {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "expiry";
}

impl Put for Expiry {
    fn key(&self) -> RowKey<Self> {
        let of = match &self.of {
            Expiring::Machine(id) => format!("MACHINE#{id}"),
            Expiring::Bundle(hash) => format!("BUNDLE#{}", hash.as_str()),
            Expiring::Secret(_, id) => format!("SECRET#{id}"),
            Expiring::Ttl(_, id) => format!("TTL#{id}"),
            Expiring::ShareAttempt(hash) => format!("SHARE-ATTEMPT#{}", hash.as_str()),
            Expiring::Share(hash) => format!("SHARE#{}", hash.as_str()),
            Expiring::Alert(vault, action) => format!("ALERT#{vault}#{}", action.kind().name),
            Expiring::Project(_, id) => format!("PROJECT#{id}"),
        };
        RowKey::new(partition(EXPIRIES, &of), format!("{}#{of}", sortable(self.at)))
    }
}

impl Lists {
    /// What has ended by now, strongly consistent; what ended first comes first.
    pub async fn expired(&self, now: Time) -> Result<Vec<Expiry>, StoreError> {
        self.until(EXPIRIES, now, |expiry: &Expiry| expiry.at).await
    }

    /// All rows of such a list, strongly consistent.
    pub(super) async fn whole<R: Row>(&self, list: &str) -> Result<Vec<R>, StoreError> {
        let mut all = vec![];
        for shard in 0..SHARDS {
            all.extend(self.query_until(&format!("{list}#{shard}"), "~").await?);
        }
        Ok(all)
    }

    /// The rows of such a list up to now, strongly consistent and in order of time.
    pub(super) async fn until<R: Row>(
        &self,
        list: &str,
        now: Time,
        at: impl Fn(&R) -> Time,
    ) -> Result<Vec<R>, StoreError> {
        let mut all = vec![];
        for shard in 0..SHARDS {
            all.extend(self.query_until(&format!("{list}#{shard}"), &format!("{}~", sortable(now))).await?);
        }
        all.sort_by_key(at);
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use protocol::MachineId;

    use super::*;

    #[test]
    fn expiries_spread_over_the_shards() {
        let mut rows: BTreeMap<String, u32> = BTreeMap::new();
        for n in 0_u128..8_000 {
            // As unlike each other as random ids are.
            let entropy = n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes();
            let of = Expiring::Machine(MachineId::from_entropy(entropy));
            *rows.entry(Expiry { at: Time::from_ms(1), of }.key().pk).or_default() += 1;
        }
        assert_eq!(rows.len(), usize::from(SHARDS));
        assert!(rows.values().all(|rows| (800..1_200).contains(rows)), "{rows:?}");
    }
}
