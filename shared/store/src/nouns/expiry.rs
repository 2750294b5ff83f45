//! What ends by itself, in the order in which it ends.

use rules::Time;
use rules::nouns::{Expiring, Expiry};

use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{Lists, StoreError};

/// Partitions of the list, for all vaults of a deployment. One partition takes 1,000 writes a second
/// (docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html).
pub(super) const SHARDS: u8 = 8;

fn partition(shard: u8) -> String {
    format!("EXPIRY#{shard}")
}

/// The partition of a thing. Ids are random, so their sums spread.
pub(super) fn shard_of(id: &str) -> u8 {
    id.bytes().fold(0, u8::wrapping_add) % SHARDS
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
            Expiring::Project(_, id) => format!("PROJECT#{id}"),
        };
        RowKey::new(partition(shard_of(&of)), format!("{}#{of}", sortable(self.at)))
    }
}

impl Lists {
    /// What has ended by now, strongly consistent; what ended first comes first.
    pub async fn expired(&self, now: Time) -> Result<Vec<Expiry>, StoreError> {
        let mut expired: Vec<Expiry> = vec![];
        for shard in 0..SHARDS {
            expired.extend(self.query_until(&partition(shard), &format!("{}~", sortable(now))).await?);
        }
        expired.sort_by_key(|expiry| expiry.at);
        Ok(expired)
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
