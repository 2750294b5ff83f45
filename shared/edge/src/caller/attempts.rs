//! Failed attempts by source address.

use std::net::IpAddr;
use std::sync::Arc;

use rules::Time;
use rules::audit::Record;
use rules::lockout::Guessed;
use store::{Store, lockout};

use crate::{Base, Clock, Config, Error};

/// Failed attempts by source address.
///
/// What cannot be guessed (a signature, a token, a link) is looked at first, and the lockout only when it was wrong: so
/// nobody who has the right one is ever refused for what others did behind the same address. What can be guessed (a
/// password) is not looked at while the address is locked out.
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

    /// Refuses an address that is locked out, before a password is looked at.
    pub async fn check(&self, guessed: Guessed, address: IpAddr) -> Result<(), Error> {
        let known = self.store.get(&lockout::row(guessed, address)).await?;
        let now = self.clock.now();
        match known.and_then(|known| known.locked(&self.config.lockout, now)) {
            Some(until) => Err(Error::locked_out(until, now)),
            None => Ok(()),
        }
    }

    /// The answer to a wrong guess: 429 while the address is locked out, and otherwise 401, counted.
    pub async fn failed(&self, guessed: Guessed, address: IpAddr) -> Error {
        self.refuse(guessed, address, None, Error::unauthenticated()).await
    }

    /// The same with another answer than 401, and with the record of the failure if it is known whose it is. While the
    /// address is locked out nothing is written for it.
    pub async fn refuse(&self, guessed: Guessed, address: IpAddr, record: Option<Record>, answer: Error) -> Error {
        if let Err(locked) = self.check(guessed, address).await {
            return locked;
        }
        self.count(guessed, address, record).await.err().unwrap_or(answer)
    }

    /// Counts a wrong guess of somebody who was not locked out a moment ago.
    pub(crate) async fn count(&self, guessed: Guessed, address: IpAddr, record: Option<Record>) -> Result<(), Error> {
        let (audit, now): (_, Time) = (self.store.audit(), self.clock.now());
        // Side by side, so that the record takes no time of its own: time could tell that there is somebody to record it of.
        let recorded = async {
            match &record {
                Some(record) => audit.record(record).await,
                None => Ok(()),
            }
        };
        let counted = self.store.count_failure(guessed, address, &self.config.lockout, now);
        let (recorded, counted) = tokio::join!(recorded, counted);
        recorded?;
        Ok(counted?)
    }
}
