//! The second factor of a signed-in person, who is asked for a code of it.

use crypto::Plaintext;
use edge::passwords::Try;
use edge::second_factor::Proof;
use edge::{Code, Error, Person};
use rules::nouns::SecondFactor;

use crate::App;

impl App {
    /// A signed-in person's second factor, if they have one.
    pub(crate) async fn second_factor(&self, person: &Person) -> Result<SecondFactor, Error> {
        let factor = self.store.second_factor(person.user.id).await?;
        factor
            .ok_or_else(|| Error::new(Code::SecondFactorMissing, "This account has no second factor; set one up first"))
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
        match self.codes.judge(&begun.turn, person.user.vault, factor, code).await? {
            Some(proof) => Ok(proof),
            None => Err(self.passwords.refuse(person, format!("{what} with a wrong code")).await),
        }
    }
}
