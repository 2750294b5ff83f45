//! Failed attempts by source address.

use std::net::IpAddr;
use std::sync::Arc;

use rules::signer::Refusal;
use store::{Store, lockout};

use crate::{Base, Clock, Config, Error};

/// Failed attempts by source address, for routes without a signature. Signed routes have this in their gate.
#[derive(Clone)]
pub struct Attempts {
    store: Store,
    config: Arc<Config>,
    clock: Clock,
}

impl Attempts {
    pub(crate) fn new(base: &Base) -> Self {
        Self { store: base.store.clone(), config: base.config.clone(), clock: base.clock.clone() }
    }

    /// Refuses an address that is locked out.
    pub async fn check(&self, address: IpAddr) -> Result<(), Error> {
        let known = self.store.get(&lockout::row(address)).await?;
        let now = self.clock.now();
        match known.and_then(|known| known.locked(now)) {
            Some(until) => Err(Error::refused(Refusal::SourceLocked(until), now)),
            None => Ok(()),
        }
    }

    /// Counts a failed attempt and answers 401.
    pub async fn failed(&self, address: IpAddr) -> Error {
        self.failed_with(address, Error::unauthenticated()).await
    }

    /// Counts a failed attempt that has an answer of its own.
    pub async fn failed_with(&self, address: IpAddr, answer: Error) -> Error {
        match self.store.count_failure(address, &self.config.lockout, self.clock.now()).await {
            Ok(()) => answer,
            Err(error) => error.into(),
        }
    }
}
