//! The rate cap: most reads of a secret in a minute and in a day (UTC), by all machines together.

use serde::{Deserialize, Serialize};

use super::{Asked, Axis, Denied};
use crate::Time;
use crate::limits::{self, Invalid};
use crate::nouns::{DAY_SECONDS, MINUTE_SECONDS};

/// The axis.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct RateCap {
    pub enabled: bool,
    pub per_minute: Option<u64>,
    pub per_day: Option<u64>,
}

impl RateCap {
    /// What would make a read pass that it refuses.
    pub(super) fn remedy(wait_seconds: u64) -> String {
        format!("Wait {wait_seconds} s, or allow more reads in the policy")
    }

    /// Seconds until the next period of this length begins.
    fn wait(now: Time, seconds: u64) -> u64 {
        now.seconds_until(Time::from_ms((now.seconds() / seconds + 1) * seconds * 1_000))
    }
}

impl Axis for RateCap {
    const NAME: &'static str = "rateCap";

    fn is_on(&self) -> bool {
        self.enabled
    }

    fn check(&self) -> Result<(), Invalid> {
        if let Some(most) = self.per_minute {
            limits::number("maxReadsPerMinute", most, 1..=1_000_000)?;
        }
        if let Some(most) = self.per_day {
            limits::number("maxReadsPerDay", most, 1..=10_000_000)?;
        }
        if self.enabled && self.per_minute.is_none() && self.per_day.is_none() {
            let problem = "must be given while the rate cap is on, or maxReadsPerDay";
            return Err(Invalid::new("maxReadsPerMinute", problem));
        }
        Ok(())
    }

    fn judge(&self, read: &Asked<'_>) -> Result<(), Denied> {
        let reached = |most: Option<u64>, reads: u64| most.is_some_and(|most| reads >= most);
        let wait = if reached(self.per_day, read.reads.of_day(read.now)) {
            DAY_SECONDS
        } else if reached(self.per_minute, read.reads.of_minute(read.now)) {
            MINUTE_SECONDS
        } else {
            return Ok(());
        };
        Err(Denied::RateCapped { retry_after_seconds: Self::wait(read.now, wait) })
    }
}
