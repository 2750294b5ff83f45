//! A point in time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// After how long without use a thing counts as unused, in seconds (30 days).
const UNUSED_SECONDS: u64 = 30 * 86_400;

/// Epoch milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Time(u64);

impl Time {
    /// From epoch milliseconds.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Epoch milliseconds.
    pub const fn ms(self) -> u64 {
        self.0
    }

    /// Whole epoch seconds.
    pub const fn seconds(self) -> u64 {
        self.0 / 1_000
    }

    /// Whole days since the epoch.
    pub const fn day(self) -> u64 {
        self.0 / 86_400_000
    }

    /// This long afterwards.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000)))
    }

    /// This long before.
    #[must_use]
    pub const fn minus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds.saturating_mul(1_000)))
    }

    /// Whether something that was made then, and used last then, has been unused for 30 days.
    #[must_use]
    pub fn is_unused(self, last_used: Option<Self>, made: Self) -> bool {
        last_used.unwrap_or(made).plus_seconds(UNUSED_SECONDS) <= self
    }

    /// Seconds until then, rounded up; zero when it has passed.
    #[must_use]
    pub const fn seconds_until(self, then: Self) -> u64 {
        then.0.saturating_sub(self.0).div_ceil(1_000)
    }
}
