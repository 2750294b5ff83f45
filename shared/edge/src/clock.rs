//! The one place that reads the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rules::Time;

/// Where the time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that a test moves; epoch milliseconds.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The time.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn now(&self) -> Time {
        Time::from_ms(match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }
            Self::Manual(ms) => ms.load(Ordering::Relaxed),
        })
    }
}
