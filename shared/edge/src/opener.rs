//! Opening stored values: for the functions that may.

use crypto::{Plaintext, ValuePlace};
use store::Keys;
use store::values::CurrentValue;
use vault::Time;
use vault::model::{Project, Secret};

use crate::Error;

/// Opens values of admitted reads.
#[derive(Clone)]
pub struct Opener(Keys);

impl Opener {
    /// Over the key layer.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self(keys)
    }

    /// Opens a secret's current value, and says which version it is.
    ///
    /// Where the value has to live is taken from the rows the gate decided on, not from the value's own row, so a
    /// value that was moved there does not open.
    pub async fn open(
        &self,
        project: &Project,
        secret: &Secret,
        value: Option<CurrentValue>,
        now: Time,
    ) -> Result<(Plaintext, u64), Error> {
        let CurrentValue(stored) = value.ok_or_else(|| Error::internal("a secret has no current value"))?;
        let place = ValuePlace { project: secret.project, secret: secret.id, version: stored.version };
        let master_key = self.0.master_key(project, now).await?;
        Ok((master_key.open(&place, &stored.sealed)?, stored.version))
    }
}
