//! How much of its plan a vault uses: a count for each kind of thing that a plan limits.
//!
//! A count changes in the transaction that makes or ends the thing, so it is exact, and two who make something at once cannot
//! pass a limit. Of enrollment tokens, which end by themselves, it is an upper bound that is set right at the limit.

use std::collections::BTreeMap;

use protocol::VaultId;
use rules::Time;
use rules::plan::Counted;
use serde::{Deserialize, Deserializer};

use crate::engine::attribute::attributes;
use crate::engine::row::{Row, RowKey};
use crate::engine::table::Table;
use crate::{Batch, Lists, Step, StoreError, Transaction};

/// How long an index may lag behind what was written, in seconds; moments as a rule.
const QUIET_SECONDS: u64 = 10;

/// How many things of one kind a vault has.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// The number. What was made before anything was counted can take it below zero, which is zero.
    #[serde(deserialize_with = "not_negative")]
    pub used: u64,
    /// When one was last made.
    pub made_at: Option<Time>,
}

fn not_negative<'de, D: Deserializer<'de>>(number: D) -> Result<u64, D::Error> {
    i64::deserialize(number).map(|number| u64::try_from(number).unwrap_or_default())
}

/// Key of a vault's count of one kind.
#[must_use]
pub fn row(vault: VaultId, of: Counted) -> RowKey<Usage> {
    RowKey::new(format!("USAGE#{vault}"), of.name())
}

impl Row for Usage {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "usage of a plan";
}

attributes! {
    Usage {
        USED = used "used": u64;
        MADE_AT = made_at "madeAt": Option<Time>;
    }
}

/// Takes a place for one thing more. The step is refused when there are as many as the limit says.
pub fn take(write: &mut Transaction<'_>, vault: VaultId, of: Counted, limit: Option<u64>, now: Time) -> Step {
    let one_more = row(vault, of).upsert().add(USED, 1).set(MADE_AT, &Some(now));
    write.change(match limit {
        None => one_more,
        // Nothing is less than none, and what is absent is none.
        Some(0) => one_more.only_if(USED.less_than(&0)),
        Some(limit) => one_more.only_if(USED.missing_or_less_than(&limit)),
    })
}

/// Gives a place back.
pub fn free(write: &mut Transaction<'_>, vault: VaultId, of: Counted) {
    write.change(row(vault, of).upsert().subtract(USED, 1));
}

impl Lists {
    /// All counts of a vault.
    pub async fn usage(&self, vault: VaultId) -> Result<BTreeMap<Counted, Usage>, StoreError> {
        let mut batch = Batch::new();
        for of in Counted::ALL {
            batch.want(&row(vault, of));
        }
        let mut fetched = self.fetch(batch).await?;
        let mut all = BTreeMap::new();
        for of in Counted::ALL {
            all.insert(of, fetched.take(&row(vault, of))?.unwrap_or_default());
        }
        Ok(all)
    }

    /// Sets a count right that is too high, unless it has changed since; says whether it did. What was made just now may be
    /// missing in a list, so a count that went up a moment ago stays.
    pub async fn settle_usage(
        &self,
        vault: VaultId,
        of: Counted,
        was: Usage,
        is: u64,
        now: Time,
    ) -> Result<bool, StoreError> {
        let is_quiet = was.made_at.is_none_or(|at| at.plus_seconds(QUIET_SECONDS) <= now);
        if is >= was.used || !is_quiet {
            return Ok(false);
        }
        let right = row(vault, of).change().set(USED, &is);
        self.change_if(right.only_if(USED.is(&was.used)).only_if(MADE_AT.is(&was.made_at))).await
    }
}
