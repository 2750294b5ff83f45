//! A pre-provisioned identity.

use crypto::{Sealed, TokenHash};
use protocol::{MachineId, VaultId};
use serde::{Deserialize, Serialize};

use super::{Expiring, Expiry};
use crate::Time;

protocol::prefixed_id!(
    /// A pre-provisioned identity that waits for its one download.
    BundleId, "bun_", "bundle id"
);

/// A pre-provisioned identity that waits for its one download.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// Its id.
    pub id: BundleId,
    /// SHA-256 of the link's token.
    pub hash: TokenHash,
    /// The vault.
    pub vault: VaultId,
    /// The machine it is the identity of.
    pub machine: MachineId,
    /// The private key file, sealed under the vault's key. Gone with this row.
    pub private_key: Sealed,
    /// From then on it is refused.
    pub expires_at: Time,
}

impl Bundle {
    /// What [`Bundle::private_key`] is sealed for.
    pub const PURPOSE: &'static str = "bundle";
    /// How long after its end a bundle is swept, in seconds: a download that began in time may still be under way.
    const SWEPT_AFTER_SECONDS: u64 = 60;

    /// What ends the bundle if nobody fetches it.
    pub fn expiry(&self) -> Expiry {
        let at = self.expires_at.plus_seconds(Self::SWEPT_AFTER_SECONDS);
        Expiry { at, of: Expiring::Bundle(self.hash.clone()) }
    }
}
