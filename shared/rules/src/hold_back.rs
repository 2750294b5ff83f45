//! The hold-back of an account: after ten wrong passwords or codes in a row the next try has to wait, twice as long each
//! time, from one second to fifteen minutes.
//!
//! A try counts as wrong before anybody looks at it, and is taken back when it was right: so a burst of tries at many
//! instances passes no more of them than one after the other would.

use serde::{Deserialize, Serialize};

use crate::Time;

/// Wrong tries in a row after which the next one waits.
const FREE: u64 = 10;
/// The longest wait, seconds.
const LONGEST_SECONDS: u64 = 900;

/// The wrong tries of one account in a row. An address without an account has them too, so that answers do not tell
/// which addresses have one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HoldBack {
    /// How many there were.
    pub wrong: u64,
    /// Before that no other try is looked at.
    pub until: Option<Time>,
}

impl HoldBack {
    /// Until when tries are refused, if they are. An end later than now plus the longest wait is not believed.
    #[must_use]
    pub fn held(&self, now: Time) -> Option<Time> {
        self.until.filter(|until| *until > now && *until <= now.plus_seconds(LONGEST_SECONDS))
    }

    /// The same with one more wrong try.
    #[must_use]
    pub fn tried(&self, now: Time) -> Self {
        let wrong = self.wrong.saturating_add(1);
        let wait = |doublings: u64| {
            let doublings = u32::try_from(doublings).unwrap_or(u32::MAX);
            1_u64.checked_shl(doublings).map_or(LONGEST_SECONDS, |seconds| seconds.clamp(1, LONGEST_SECONDS))
        };
        Self { wrong, until: wrong.checked_sub(FREE).map(|doublings| now.plus_seconds(wait(doublings))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_the_tenth_wrong_try_to_fifteen_minutes() {
        let now = Time::from_ms(1_000_000);
        let mut known = HoldBack::default();
        let mut waits = vec![];
        for _ in 0..100 {
            known = known.tried(now);
            waits.push(known.held(now).map_or(0, |until| now.seconds_until(until)));
        }
        assert_eq!(waits[..9], [0; 9]);
        assert_eq!(waits[9..20], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
        assert!(waits[20..].iter().all(|wait| *wait == 900));
    }

    #[test]
    fn a_wait_ends_at_its_time_and_no_later_than_the_longest() {
        let held = |until, now| HoldBack { wrong: 10, until: Some(Time::from_ms(until)) }.held(Time::from_ms(now));
        assert_eq!(held(10, 9), Some(Time::from_ms(10)));
        assert_eq!(held(10, 10), None);
        assert_eq!(held(900_010, 9), None);
    }
}
