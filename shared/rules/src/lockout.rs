//! The lockout of a source address: ten failures within five minutes lock it out for fifteen.
//!
//! It is against guessing. So it never touches a request that shows what cannot be guessed, and what is guessed has
//! counters apart ([`Guessed`]): a stranger who tries tokens behind an address stops no machine behind it.
//!
//! Failures are counted exactly, in a window that slides: the store adds each failure to a set, and this module says
//! what the set means. A failure is named by its time and a random part, so that writing it twice counts once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Time;

/// The three numbers, which are configuration (decisions 3).
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Failures that lock.
    pub failures: usize,
    /// The window they are counted in, seconds.
    pub window_seconds: u64,
    /// How long the address stays locked, seconds.
    pub lock_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { failures: 10, window_seconds: 300, lock_seconds: 900 }
    }
}

/// What somebody tried to guess. Each has a counter of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guessed {
    /// The signature of a machine, an AI agent or a passkey.
    Signature,
    /// A one-time token, an enrollment token or a mailed link.
    Token,
    /// A password or a code.
    Password,
}

/// What is known of a source address.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lockout {
    /// Failures as [`failure`] names them.
    #[serde(default)]
    pub failures: BTreeSet<String>,
    /// Locked out until then.
    pub locked_until: Option<Time>,
}

/// The name of a failure: its epoch milliseconds, thirteen digits, and something random.
#[must_use]
pub fn failure(at: Time, random: &str) -> String {
    format!("{:013}-{random}", at.ms())
}

impl Lockout {
    /// The failures that are too old to count. Names sort as their times do.
    pub fn old(&self, limits: &Limits, now: Time) -> impl Iterator<Item = &String> {
        let start = failure(now.minus_seconds(limits.window_seconds), "~");
        self.failures.iter().take_while(move |name| **name < start)
    }

    /// Until when the address is locked out, if it is. No clock of ours writes an end later than now plus the span, so
    /// such an end is not believed: otherwise one wrong clock could lock an address out for years.
    #[must_use]
    pub fn locked(&self, limits: &Limits, now: Time) -> Option<Time> {
        self.locked_until.filter(|until| *until > now && *until <= now.plus_seconds(limits.lock_seconds))
    }

    /// Until when the failures recorded so far lock the address out, if they do. Failures of a later time than a window
    /// from now count as little as old ones.
    #[must_use]
    pub fn due(&self, limits: &Limits, now: Time) -> Option<Time> {
        let end = failure(now.plus_seconds(limits.window_seconds), "~");
        let known = self.failures.iter().filter(|name| **name <= end).count();
        let recent = known - self.old(limits, now).count();
        (recent >= limits.failures).then(|| now.plus_seconds(limits.lock_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures_at(seconds: &[u64]) -> Lockout {
        Lockout {
            failures: seconds.iter().map(|s| failure(Time::from_ms(s * 1_000), "ab")).collect(),
            locked_until: None,
        }
    }

    #[test]
    fn ten_within_the_window_lock() {
        let limits = Limits::default();
        let now = Time::from_ms(1_000_000);
        let ten = failures_at(&[701, 702, 703, 704, 705, 706, 707, 708, 709, 1000]);
        assert_eq!(ten.due(&limits, now), Some(Time::from_ms(1_900_000)));
        // The first is exactly as old as the window: nine are left.
        let nine = failures_at(&[700, 702, 703, 704, 705, 706, 707, 708, 709, 1000]);
        assert_eq!(nine.due(&limits, now), None);
        // One is of a time that no clock of ours can have.
        let future = failures_at(&[702, 703, 704, 705, 706, 707, 708, 709, 1000, 1301]);
        assert_eq!(future.due(&limits, now), None);
    }

    #[test]
    fn a_lock_ends_at_its_time_and_no_later_than_its_span() {
        let limits = Limits::default();
        let locked = |until, now| {
            let lock = Lockout { failures: BTreeSet::new(), locked_until: Some(Time::from_ms(until)) };
            lock.locked(&limits, Time::from_ms(now)).map(Time::ms)
        };
        assert_eq!(locked(10, 9), Some(10));
        assert_eq!(locked(10, 10), None);
        assert_eq!(locked(900_009, 9), Some(900_009));
        assert_eq!(locked(900_010, 9), None);
    }
}
