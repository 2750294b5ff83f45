//! The TTL: a moment, and a number of reads, after which a secret is destroyed.

use serde::{Deserialize, Serialize};

use super::{Asked, Axis, Denied};
use crate::Time;
use crate::limits::{self, Invalid};
use crate::nouns::SecretReads;

/// The axis. It has no switch: what is not given is off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Ttl {
    pub expires_at: Option<Time>,
    pub max_reads: Option<u64>,
}

impl Ttl {
    /// What would make a read pass that it refuses.
    pub(super) fn remedy() -> String {
        "Change the TTL of the policy before the secret is purged, which is a matter of minutes".to_owned()
    }

    /// Whether its moment has come.
    #[must_use]
    pub fn has_expired(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Whether the secret is to be destroyed once these reads are counted.
    #[must_use]
    pub fn is_reached(&self, reads: &SecretReads, now: Time) -> bool {
        self.has_expired(now) || self.is_last(reads)
    }

    /// Whether no read is left once these are counted.
    #[must_use]
    pub fn is_last(&self, reads: &SecretReads) -> bool {
        self.max_reads.is_some_and(|most| reads.total >= most)
    }
}

impl Axis for Ttl {
    const NAME: &'static str = "ttl";

    fn is_on(&self) -> bool {
        self.expires_at.is_some() || self.max_reads.is_some()
    }

    fn check(&self) -> Result<(), Invalid> {
        match self.max_reads {
            Some(most) => limits::number("ttlMaxReads", most, 1..=1_000_000).map(drop),
            None => Ok(()),
        }
    }

    fn judge(&self, read: &Asked<'_>) -> Result<(), Denied> {
        if self.is_reached(read.reads, read.now) { Err(Denied::TtlReached) } else { Ok(()) }
    }
}
