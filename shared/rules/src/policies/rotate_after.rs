//! Rotation after a number of reads. It refuses nobody.

use serde::{Deserialize, Serialize};

use super::{Asked, Axis, Denied};
use crate::limits::{self, Invalid};
use crate::nouns::SecretReads;

/// The axis. It has no switch: without a number it is off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct RotateAfter {
    pub reads: Option<u64>,
}

impl RotateAfter {
    /// Whether the secret is to be rotated once these reads are counted.
    #[must_use]
    pub fn is_due(&self, counted: &SecretReads) -> bool {
        self.reads.is_some_and(|most| counted.since_rotation >= most)
    }
}

impl Axis for RotateAfter {
    const NAME: &'static str = "rotateAfter";

    fn is_on(&self) -> bool {
        self.reads.is_some()
    }

    fn check(&self) -> Result<(), Invalid> {
        match self.reads {
            Some(reads) => limits::number("rotateAfterReads", reads, 1..=1_000_000).map(drop),
            None => Ok(()),
        }
    }

    fn judge(&self, _: &Asked<'_>) -> Result<(), Denied> {
        Ok(())
    }
}
