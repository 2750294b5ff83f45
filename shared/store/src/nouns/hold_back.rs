//! The wrong passwords and codes of an account in a row.

use crypto::sha256;
use rules::Time;
use rules::hold_back::HoldBack;

use crate::engine::attribute::attributes;
use crate::engine::row::{Row, RowKey};
use crate::engine::table::Table;
use crate::{Lists, StoreError};

/// How long a row stays after the last wrong try, seconds: long after the longest wait.
const STAYS_SECONDS: u64 = 30 * 86_400;

/// Key of an account, by its e-mail address, whether there is such an account or not. The address is hashed, because it
/// can be of any length and of nobody here.
#[must_use]
pub fn row(email: &str) -> RowKey<HoldBack> {
    RowKey::new(format!("TRIES#{}", hex::encode(sha256(email.to_lowercase().as_bytes()))), "TRIES")
}

impl Row for HoldBack {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "hold-back of an account";
}

attributes! {
    HoldBack {
        WRONG = wrong "wrong": u64;
        UNTIL = until "until": Option<Time>;
    }
}

impl Lists {
    /// Puts `next` in the place of what is known of an account's tries; says whether it did. It does not when somebody
    /// else was faster.
    pub async fn note_tries(
        &self,
        email: &str,
        known: Option<&HoldBack>,
        next: &HoldBack,
        now: Time,
    ) -> Result<bool, StoreError> {
        let change = row(email).upsert().set(WRONG, &next.wrong).set(UNTIL, &next.until);
        let unchanged = match known {
            Some(known) => WRONG.is(&known.wrong),
            None => WRONG.missing(),
        };
        self.change_if(change.only_if(unchanged).drop_after(now.plus_seconds(STAYS_SECONDS))).await
    }
}
