//! What webhooks are sent: the body, its signatures, and when it is tried again.

mod body;
mod secret;
mod signature;

pub use body::body;
pub use secret::SigningSecret;
pub use signature::{Signatures, sign};

use crate::Time;

/// How long after each failed attempt the next one comes, in seconds: seven attempts in all, over some nine hours.
const WAITS: [u64; 6] = [30, 120, 600, 1_800, 7_200, 21_600];

/// When a delivery is tried again after this many attempts; nothing after the last. The wait is longer by up to a fifth, by
/// a random byte, so that what failed together does not come again together.
#[must_use]
pub fn next_attempt(attempts: u64, now: Time, random: u8) -> Option<Time> {
    let wait = WAITS.get(usize::try_from(attempts.checked_sub(1)?).ok()?)?;
    let jitter_ms = wait * 1_000 * u64::from(random) / (255 * 5);
    Some(Time::from_ms(now.ms() + wait * 1_000 + jitter_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_as_promised() {
        let now = Time::from_ms(0);
        let seconds = |random: u8| -> Vec<u64> {
            (1..).map_while(|attempts| next_attempt(attempts, now, random)).map(Time::seconds).collect()
        };
        assert_eq!(seconds(0), [30, 120, 600, 1_800, 7_200, 21_600]);
        assert_eq!(seconds(255), [36, 144, 720, 2_160, 8_640, 25_920]);
        assert_eq!(next_attempt(0, now, 0), None);
    }
}
