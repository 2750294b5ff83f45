//! The IP allowlist of a policy: the addresses that a secret is read from.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Asked, Axis, Denied};
use crate::limits::Invalid;

/// Most ranges.
pub(crate) const RANGES: usize = 100;

/// The axis.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct AddressList {
    pub enabled: bool,
    pub ranges: Vec<IpNet>,
}

impl AddressList {
    /// What would make a read pass that it refuses.
    pub(super) fn remedy(read: &Asked<'_>) -> String {
        format!("Read from an address that the policy lists, or list {} there", read.address)
    }
}

impl Axis for AddressList {
    const NAME: &'static str = "ipAllowlist";

    fn is_on(&self) -> bool {
        self.enabled
    }

    fn check(&self) -> Result<(), Invalid> {
        let count = self.ranges.len();
        if count > RANGES || (self.enabled && count == 0) {
            return Err(Invalid::new("ipAllowlistCidrs", format!("must list 1 to {RANGES} ranges")));
        }
        Ok(())
    }

    fn judge(&self, read: &Asked<'_>) -> Result<(), Denied> {
        if self.ranges.iter().any(|range| range.contains(&read.address)) {
            Ok(())
        } else {
            Err(Denied::AddressNotAllowed)
        }
    }
}
