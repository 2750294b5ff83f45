//! Opening stored values: for the functions that may.

use crypto::{Plaintext, ValuePlace};
use protocol::SecretId;
use rules::Time;
use rules::nouns::{Project, Secret};
use store::value::CurrentValue;
use store::{KeyRing, RowKey, Store, Values};

use crate::{Base, Error};

/// Opens values of admitted reads.
#[derive(Clone)]
pub struct Opener {
    store: Store,
    values: Values,
    keys: KeyRing,
}

impl Opener {
    /// From the base.
    #[must_use]
    pub fn new(base: &Base, values: Values, keys: KeyRing) -> Self {
        Self { store: base.store.clone(), values, keys }
    }

    /// The row of a secret's current value.
    #[must_use]
    pub fn current(&self, secret: SecretId) -> RowKey<CurrentValue> {
        self.values.current(secret)
    }

    /// Opens a secret's current value, and says which version it is.
    ///
    /// Where the value has to live is taken from the rows the gate decided on, not from the value's own row, so a
    /// value that was moved there does not open; nor does one that is older than its secret says.
    pub async fn open(
        &self,
        project: &Project,
        secret: &Secret,
        value: Option<CurrentValue>,
        now: Time,
    ) -> Result<(Plaintext, u64), Error> {
        let mut value = value;
        if value.as_ref().is_some_and(|value| value.0.version < secret.version) {
            // A batch is no snapshot: it may bring the value from before an update and the secret from after it.
            value = self.store.get(&self.values.current(secret.id)).await?;
        }
        let CurrentValue(stored) = value.ok_or_else(|| Error::internal("a secret has no current value"))?;
        if stored.version < secret.version {
            return Err(Error::internal("a value is older than its secret"));
        }
        let place = ValuePlace { project: secret.project, secret: secret.id, version: stored.version };
        let master_key = self.keys.master_key(project, now).await?;
        Ok((master_key.open(&place, &stored.sealed)?, stored.version))
    }
}
