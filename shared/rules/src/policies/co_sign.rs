//! Co-signing: another machine must have read the secret itself, not long before. That machine needs nobody.

use protocol::MachineId;
use serde::{Deserialize, Serialize};

use super::{Asked, Axis, Denied};
use crate::limits::{self, Invalid};

/// The axis.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct CoSign {
    pub enabled: bool,
    /// The machine that has to read first.
    pub machine: Option<MachineId>,
    /// How long its read counts.
    pub window_seconds: Option<u64>,
}

impl CoSign {
    /// What would make a read pass that it refuses.
    pub(super) fn remedy(&self) -> String {
        match (self.machine, self.window_seconds) {
            (Some(machine), Some(seconds)) => {
                format!("Have machine {machine} read the secret first, at most {seconds} s before")
            }
            _ => "Complete the co-signing of the policy".to_owned(),
        }
    }
}

impl Axis for CoSign {
    const NAME: &'static str = "coSign";

    fn is_on(&self) -> bool {
        self.enabled
    }

    fn check(&self) -> Result<(), Invalid> {
        if let Some(seconds) = self.window_seconds {
            limits::number("coSignWindowSeconds", seconds, 10..=86_400)?;
        }
        let missing = |field| Err(Invalid::new(field, "must be given while co-signing is on"));
        match self {
            Self { enabled: false, .. } => Ok(()),
            Self { machine: None, .. } => missing("coSignMachineId"),
            Self { window_seconds: None, .. } => missing("coSignWindowSeconds"),
            _ => Ok(()),
        }
    }

    fn judge(&self, read: &Asked<'_>) -> Result<(), Denied> {
        let is_the_other = self.machine == Some(read.machine);
        let holds_until = read.reads.cosigned_at.zip(self.window_seconds).map(|(at, seconds)| at.plus_seconds(seconds));
        if is_the_other || holds_until.is_some_and(|until| read.now <= until) {
            Ok(())
        } else {
            Err(Denied::NotCosigned)
        }
    }
}
