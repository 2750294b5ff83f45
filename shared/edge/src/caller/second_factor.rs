//! Whether a code is one of a person's second factor, and using it up.

use crypto::recovery_codes::{self, RecoveryHashes};
use crypto::{Plaintext, totp};
use protocol::VaultId;
use rules::nouns::SecondFactor;
use store::second_factor::{self, LAST_STEP, RECOVERY_HASHES};
use store::{Change, KeyRing, Store, vault};

use super::passwords::Turn;
use crate::{Base, Clock, Error};

/// What shows that somebody has the second factor.
pub enum Proof {
    /// A code of the app, of this time step.
    Code(u64),
    /// The recovery code with this hash.
    RecoveryCode(String),
}

impl Proof {
    /// Uses it up: of two requests with the same code one fails.
    pub fn spend(&self, factor: &SecondFactor) -> Change<SecondFactor> {
        let change = second_factor::row(factor.user).change();
        match self {
            Self::Code(step) => change.set(LAST_STEP, step).only_if(LAST_STEP.is(&factor.last_step)),
            Self::RecoveryCode(hash) => {
                let mut left = factor.recovery_hashes.clone();
                left.remove(hash);
                let change = change.set(RECOVERY_HASHES, &left);
                change.only_if(RECOVERY_HASHES.is(&factor.recovery_hashes))
            }
        }
    }

    /// The same where the change goes on to replace the recovery codes.
    pub fn spend_replacing(&self, factor: &SecondFactor) -> Change<SecondFactor> {
        match self {
            Self::Code(_) => self.spend(factor),
            Self::RecoveryCode(_) => {
                second_factor::row(factor.user).change().only_if(RECOVERY_HASHES.is(&factor.recovery_hashes))
            }
        }
    }
}

/// A code without what people put between its digits.
fn digits_of(code: &Plaintext) -> Plaintext {
    Plaintext::new(code.expose().iter().copied().filter(|byte| !b" -".contains(byte)).collect())
}

/// Whether a code has the form of an authenticator app's.
fn is_of_app(code: &Plaintext) -> bool {
    let digits = digits_of(code);
    digits.len() == 6 && digits.expose().iter().all(u8::is_ascii_digit)
}

/// Judges codes. It opens the seeds of authenticator apps, so only some functions have it.
#[derive(Clone)]
pub struct Codes {
    store: Store,
    keys: KeyRing,
    clock: Clock,
}

impl Codes {
    /// From the base, with the keys of vaults.
    #[must_use]
    pub fn new(base: &Base, keys: KeyRing) -> Self {
        Self { store: base.store.clone(), keys, clock: base.clock.clone() }
    }

    /// Whether a code is one of this second factor that was not used: six digits of the app, or else a recovery code.
    pub async fn judge(
        &self,
        turn: &Turn,
        vault: VaultId,
        factor: &SecondFactor,
        code: Plaintext,
    ) -> Result<Option<Proof>, Error> {
        if is_of_app(&code) {
            let step = self.step_of(vault, factor, &code).await?.filter(|step| *step > factor.last_step);
            return Ok(step.map(Proof::Code));
        }
        let hashes = RecoveryHashes { salt: factor.recovery_salt.clone(), hashes: factor.recovery_hashes.clone() };
        Ok(turn.work(move || recovery_codes::find(&code, &hashes)).await?.map(Proof::RecoveryCode))
    }

    /// The time step of a code of the app, if it is one of now.
    pub async fn step_of(&self, vault: VaultId, factor: &SecondFactor, code: &Plaintext) -> Result<Option<u64>, Error> {
        let now = self.clock.now();
        let vault = self.store.get(&vault::row(vault)).await?.ok_or_else(|| Error::internal("no vault"))?;
        let key = self.keys.vault_key(&vault, now).await?;
        let seed = key.open(SecondFactor::PURPOSE, &factor.user, &factor.seed)?;
        let digits = digits_of(code);
        Ok(digits.expose_str().and_then(|code| totp::step_of(&seed, code, now.seconds())))
    }
}
