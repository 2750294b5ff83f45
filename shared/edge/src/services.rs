//! What functions are made of.

use std::net::IpAddr;
use std::sync::Arc;

use store::{KeyMaker, Keys, Store, Values};
use vault::lockout::Lockout;
use vault::read_gate::Refusal;

use crate::{Clock, Config, Error};

/// Everything a function can be given. Each takes what it needs when its router is made.
#[derive(Clone)]
pub struct Services {
    /// Configuration.
    pub config: Arc<Config>,
    /// The tables, but not their values.
    pub store: Store,
    /// The right to name values; for the functions that may read or write them.
    pub values: Values,
    /// The server key layer.
    pub keys: Keys,
    /// The clock.
    pub clock: Clock,
}

impl Services {
    /// The making of keys that are never seen unwrapped; for functions that may not open what they make.
    #[must_use]
    pub fn key_maker(&self) -> KeyMaker {
        self.keys.maker()
    }

    /// The counting of failed attempts, for routes that take one-time tokens or passwords.
    #[must_use]
    pub fn attempts(&self) -> Attempts {
        Attempts { store: self.store.clone(), config: self.config.clone(), clock: self.clock.clone() }
    }
}

/// Failed attempts by source address, for routes without a signature. Signed routes have this in their gate.
#[derive(Clone)]
pub struct Attempts {
    store: Store,
    config: Arc<Config>,
    clock: Clock,
}

impl Attempts {
    /// Refuses an address that is locked out.
    pub async fn check(&self, address: IpAddr) -> Result<(), Error> {
        let known: Option<Lockout> = self.store.get(&store::lockout::lockout(address)).await?;
        let now = self.clock.now();
        match known.and_then(|known| known.locked(now)) {
            Some(until) => Err(Error::refused(Refusal::SourceLocked(until), now)),
            None => Ok(()),
        }
    }

    /// Counts a failed attempt and answers 401.
    pub async fn failed(&self, address: IpAddr) -> Error {
        match self.store.count_failure(address, &self.config.lockout, self.clock.now()).await {
            Ok(()) => Error::unauthenticated(),
            Err(error) => error.into(),
        }
    }
}
