//! Whether a code is one of a person's second factor, and using it up.

use crypto::recovery_codes::{self, RecoveryHashes};
use crypto::{Plaintext, totp};
use edge::passwords::{Try, Turn};
use edge::{Error, Person};
use protocol::VaultId;
use rules::nouns::SecondFactor;
use store::second_factor::{self, LAST_STEP, RECOVERY_HASHES};
use store::{Change, vault};

use crate::App;

/// What shows that somebody has the second factor.
pub(crate) enum Proof {
    /// A code of the app, of this time step.
    Code(u64),
    /// The recovery code with this hash.
    RecoveryCode(String),
}

impl Proof {
    /// Uses it up: of two requests with the same code one fails.
    pub(crate) fn spend(&self, factor: &SecondFactor) -> Change<SecondFactor> {
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
    pub(crate) fn spend_replacing(&self, factor: &SecondFactor) -> Change<SecondFactor> {
        match self {
            Self::Code(_) => self.spend(factor),
            Self::RecoveryCode(_) => {
                second_factor::row(factor.user).change().only_if(RECOVERY_HASHES.is(&factor.recovery_hashes))
            }
        }
    }
}

impl App {
    /// Whether a code is one of this second factor that was not used: six digits of the app, or else a recovery code.
    pub(crate) async fn judge(
        &self,
        turn: &Turn,
        vault: VaultId,
        factor: &SecondFactor,
        code: Plaintext,
    ) -> Result<Option<Proof>, Error> {
        if code.len() == 6 && code.expose().iter().all(u8::is_ascii_digit) {
            let step = self.step_of(vault, factor, &code).await?.filter(|step| *step > factor.last_step);
            return Ok(step.map(Proof::Code));
        }
        let hashes = RecoveryHashes { salt: factor.recovery_salt.clone(), hashes: factor.recovery_hashes.clone() };
        Ok(turn.work(move || recovery_codes::find(&code, &hashes)).await?.map(Proof::RecoveryCode))
    }

    /// The time step of a code of the app, if it is one of now.
    pub(crate) async fn step_of(
        &self,
        vault: VaultId,
        factor: &SecondFactor,
        code: &Plaintext,
    ) -> Result<Option<u64>, Error> {
        let now = self.clock.now();
        let vault = self.store.get(&vault::row(vault)).await?.ok_or_else(|| Error::internal("no vault"))?;
        let key = self.keys.vault_key(&vault, now).await?;
        let seed = key.open(SecondFactor::PURPOSE, &factor.user, &factor.seed)?;
        Ok(code.expose_str().and_then(|code| totp::step_of(&seed, code, now.seconds())))
    }

    /// A signed-in person's second factor, if they have one.
    pub(crate) async fn second_factor(&self, person: &Person) -> Result<SecondFactor, Error> {
        let factor = self.store.second_factor(person.user.id).await?;
        factor.ok_or_else(|| Error::conflict("This account has no second factor; set one up first"))
    }

    /// Has a signed-in person bring a code. A wrong one counts and is recorded like a wrong password.
    pub(crate) async fn confirm_code(
        &self,
        begun: &Try,
        person: &Person,
        factor: &SecondFactor,
        code: Plaintext,
        what: &str,
    ) -> Result<Proof, Error> {
        match self.judge(&begun.turn, person.user.vault, factor, code).await? {
            Some(proof) => Ok(proof),
            None => Err(self.passwords.refuse(person, format!("{what} with a wrong code")).await),
        }
    }
}
