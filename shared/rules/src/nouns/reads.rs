//! What is counted of a secret's reads, for its policy. The row is there as long as the secret is bound.

use protocol::SecretId;
use serde::{Deserialize, Serialize};

use super::PolicyId;
use crate::Time;

/// A minute.
pub const MINUTE_SECONDS: u64 = 60;
/// A day.
pub const DAY_SECONDS: u64 = 86_400;

/// Counts of a secret's reads since it was bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretReads {
    /// The secret.
    pub secret: SecretId,
    /// The policy that it is bound to.
    pub policy: PolicyId,
    /// All reads that were counted. Each one makes this another number.
    pub total: u64,
    /// Those of the current version, or since a rotation was last asked for.
    pub since_rotation: u64,
    /// The version that those are of.
    pub of_version: u64,
    /// The minute in which the last was, since the epoch.
    pub minute: u64,
    /// Those in that minute.
    pub minute_reads: u64,
    /// The day in which the last was, since the epoch (UTC).
    pub day: u64,
    /// Those on that day.
    pub day_reads: u64,
    /// When the machine that has to read first last did.
    pub cosigned_at: Option<Time>,
}

impl SecretReads {
    /// Of a secret that was bound just now.
    #[must_use]
    pub fn none(secret: SecretId, policy: PolicyId) -> Self {
        Self {
            secret,
            policy,
            total: 0,
            since_rotation: 0,
            of_version: 0,
            minute: 0,
            minute_reads: 0,
            day: 0,
            day_reads: 0,
            cosigned_at: None,
        }
    }

    /// How many were in the minute of this moment.
    #[must_use]
    pub fn of_minute(&self, now: Time) -> u64 {
        // A clock that is behind counts in the later minute, so that nobody gains by it.
        if now.seconds() / MINUTE_SECONDS <= self.minute { self.minute_reads } else { 0 }
    }

    /// How many were on the day of this moment.
    #[must_use]
    pub fn of_day(&self, now: Time) -> u64 {
        if now.seconds() / DAY_SECONDS <= self.day { self.day_reads } else { 0 }
    }

    /// Counts a read of this version.
    pub fn count(&mut self, now: Time, version: u64) {
        (self.minute_reads, self.day_reads) = (self.of_minute(now) + 1, self.of_day(now) + 1);
        self.minute = self.minute.max(now.seconds() / MINUTE_SECONDS);
        self.day = self.day.max(now.seconds() / DAY_SECONDS);
        if version != self.of_version {
            (self.since_rotation, self.of_version) = (0, version);
        }
        self.since_rotation += 1;
        self.total += 1;
    }
}
