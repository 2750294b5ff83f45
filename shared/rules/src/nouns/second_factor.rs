//! A person's second factor.

use std::collections::BTreeSet;

use crypto::Sealed;
use protocol::UserId;
use serde::{Deserialize, Serialize};

use crate::Time;

/// A person's second factor: codes of an authenticator app (TOTP), and recovery codes in its place.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactor {
    /// Whose it is.
    pub user: UserId,
    /// The seed of the codes, sealed under the key of their vault.
    pub seed: Sealed,
    /// When the seed was given out.
    pub created_at: Time,
    /// When a code showed that their app has the seed; nothing until then, and no code is asked for.
    pub confirmed_at: Option<Time>,
    /// The time step of the last code that was accepted. A code of this step or an earlier one is refused.
    pub last_step: u64,
    /// Salt of the recovery codes' hashes, hex.
    pub recovery_salt: String,
    /// Argon2id of each recovery code that was not used, hex.
    pub recovery_hashes: BTreeSet<String>,
}

impl SecondFactor {
    /// What [`SecondFactor::seed`] is sealed for.
    pub const PURPOSE: &'static str = "totp";
    /// How long a seed that was given out waits for its first code, in seconds.
    pub const CONFIRM_SECONDS: u64 = 600;
}
