//! Work on passwords, which takes 64 MiB each: a few at a time, away from the async tasks, and under the lockout.

use std::net::IpAddr;
use std::sync::Arc;

use crypto::{Plaintext, password};
use http::StatusCode;
use rules::audit::Action;
use store::Store;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Attempts, Base, Error, Person};

/// Passwords that are worked on at the same time.
const AT_ONCE: usize = 2;
/// People who may wait for a place. Others are told to try again.
const WAITING: usize = 64;

/// Places for work on passwords, and for waiting for one.
#[derive(Clone)]
pub struct Passwords {
    store: Store,
    attempts: Attempts,
    working: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// A place to work on a password.
pub struct Turn {
    working: Arc<OwnedSemaphorePermit>,
    _waiting: OwnedSemaphorePermit,
}

impl Passwords {
    /// From the base.
    #[must_use]
    pub fn new(base: &Base) -> Self {
        Self {
            store: base.store.clone(),
            attempts: base.attempts(),
            working: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING)),
        }
    }

    /// Waits for a place to work on a password. Hold the place until a failure is counted: the lockout is looked at again
    /// when a place is free, so a burst of guesses is judged a few at a time and not all at once.
    pub async fn turn(&self, address: IpAddr) -> Result<Turn, Error> {
        let too_many = || {
            let text = "Too many people sign in at this moment, try again";
            Error::new(StatusCode::TOO_MANY_REQUESTS, text).retry_after(1)
        };
        // Before waiting, so that a locked-out address takes no place; and again when a place is free.
        self.attempts.check(address).await?;
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| too_many())?;
        let working = self.working.clone().acquire_owned().await.map_err(|_| too_many())?;
        self.attempts.check(address).await?;
        Ok(Turn { working: Arc::new(working), _waiting: waiting })
    }

    /// Asks a signed-in person for their password before an act that outlasts their session. A wrong password counts toward
    /// the lockout as at sign-in, and is recorded. So an attacker who has only the session learns nothing by guessing. The
    /// record begins with `what` the person was about to do.
    pub async fn confirm(&self, person: &Person, password: Plaintext, what: &str) -> Result<Turn, Error> {
        let turn = self.turn(person.address).await?;
        if turn.verify(password, Some(person.user.password_hash.clone())).await? {
            return Ok(turn);
        }
        Err(self.refuse(person, format!("{what} with a wrong password")).await)
    }

    /// Records and counts a failure of a signed-in person, and gives the answer to it.
    pub async fn refuse(&self, person: &Person, detail: String) -> Error {
        let failure = person.entry(Action::AuthFailure, detail);
        match self.store.audit().record(&failure).await {
            Ok(()) => self.attempts.failed(person.address).await,
            Err(error) => error.into(),
        }
    }
}

impl Turn {
    /// Hashes a password.
    pub async fn hash(&self, text: Plaintext) -> Result<String, Error> {
        self.work(move || password::hash(&text)).await
    }

    /// Verifies a password; takes the same time for an account that is not there.
    pub async fn verify(&self, text: Plaintext, hashed: Option<String>) -> Result<bool, Error> {
        self.work(move || password::verify(&text, hashed.as_deref())).await
    }

    /// Does work that takes a while away from the async tasks. It keeps its place even if the caller goes away meanwhile.
    pub async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let place = self.working.clone();
        let run = move || {
            let done = work();
            drop(place);
            done
        };
        tokio::task::spawn_blocking(run).await.map_err(|error| Error::internal(error.to_string()))
    }
}
