//! Work on passwords, which takes 64 MiB each: a few at a time, away from the async tasks; and tries at an account, which
//! are held back when too many were wrong.

use std::net::IpAddr;
use std::sync::Arc;

use crypto::{Plaintext, password};
use rules::audit::Action;
use rules::hold_back::HoldBack;
use rules::lockout::Guessed;
use store::{Store, hold_back};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Attempts, Base, Clock, Code, Error, Person};

/// Passwords that are worked on at the same time.
const AT_ONCE: usize = 2;
/// People who may wait for a place. Others are told to try again.
const WAITING: usize = 64;
/// How often a try is noted again when another try at the same account was faster.
const NOTINGS: usize = 16;

/// Places for work on passwords, and for waiting for one.
#[derive(Clone)]
pub struct Passwords {
    store: Store,
    clock: Clock,
    attempts: Attempts,
    working: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// A place to work on a password.
pub struct Turn {
    working: Arc<OwnedSemaphorePermit>,
    _waiting: OwnedSemaphorePermit,
}

/// A try at an account: a password, a code, or both. It counts as wrong from its beginning, unless it turns out to be right.
#[must_use = "a try that is not said to be right was wrong"]
pub struct Try {
    /// The place to work on it.
    pub turn: Turn,
    store: Store,
    clock: Clock,
    email: String,
    before: HoldBack,
    noted: HoldBack,
}

fn busy() -> Error {
    Error::new(Code::Busy, "Too many passwords are being checked at this moment, try again").retry_after(1)
}

impl Passwords {
    /// From the base.
    #[must_use]
    pub fn new(base: &Base) -> Self {
        Self {
            store: base.store.clone(),
            clock: base.clock.clone(),
            attempts: base.attempts(),
            working: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING)),
        }
    }

    /// Waits for a place to work on a password.
    pub async fn turn(&self) -> Result<Turn, Error> {
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| busy())?;
        let working = self.working.clone().acquire_owned().await.map_err(|_| busy())?;
        Ok(Turn { working: Arc::new(working), _waiting: waiting })
    }

    /// Waits for a place for somebody who is not known, unless their address is locked out. It is looked at again when a
    /// place is free, so a burst of guesses is judged a few at a time and not all at once.
    pub async fn turn_at(&self, address: IpAddr) -> Result<Turn, Error> {
        self.attempts.check(Guessed::Password, address).await?;
        let turn = self.turn().await?;
        self.attempts.check(Guessed::Password, address).await?;
        Ok(turn)
    }

    /// Begins a try at the account with this e-mail address, which may be nobody's.
    pub async fn begin(&self, turn: Turn, email: &str) -> Result<Try, Error> {
        for _ in 0..NOTINGS {
            let known = self.store.get(&hold_back::row(email)).await?;
            let now = self.clock.now();
            if let Some(until) = known.as_ref().and_then(|known| known.held(now)) {
                return Err(Error::held_back(until, now));
            }
            let noted = known.clone().unwrap_or_default().tried(now);
            if self.store.note_tries(email, known.as_ref(), &noted, now).await? {
                let (store, clock, email) = (self.store.clone(), self.clock.clone(), email.to_owned());
                return Ok(Try { turn, store, clock, email, before: known.unwrap_or_default(), noted });
            }
        }
        Err(busy())
    }

    /// Begins a try of a signed-in person, who is asked again. It counts for the account and never for the address.
    pub async fn begin_again(&self, person: &Person) -> Result<Try, Error> {
        self.begin(self.turn().await?, &person.user.email).await
    }

    /// Asks a signed-in person for their password before an act that outlasts their session. A wrong password is recorded
    /// and counts, so an attacker who has only the session learns nothing by guessing. The record begins with `what` the
    /// person was about to do. The try goes on: a code may be asked for too.
    pub async fn confirm(&self, person: &Person, password: Plaintext, what: &str) -> Result<Try, Error> {
        let begun = self.begin_again(person).await?;
        if begun.turn.verify(password, Some(person.user.password_hash.clone())).await? {
            return Ok(begun);
        }
        Err(self.refuse(person, format!("{what} with a wrong password")).await)
    }

    /// The same where the password is all that is asked for. It clears the account's count unless there is a second factor:
    /// who knows the password could otherwise guess codes without end.
    pub async fn confirm_alone(&self, person: &Person, password: Plaintext, what: &str) -> Result<Turn, Error> {
        let begun = self.confirm(person, password, what).await?;
        if self.store.second_factor(person.user.id).await?.is_some() { begun.open().await } else { begun.right().await }
    }

    /// Records a failure of a signed-in person, and gives the answer to it.
    pub async fn refuse(&self, person: &Person, detail: String) -> Error {
        let failure = person.entry(Action::AuthFailure, detail);
        match self.store.audit().record(&failure).await {
            Ok(()) => Error::unauthenticated(),
            Err(error) => error.into(),
        }
    }
}

impl Try {
    /// It was right, all of it: the account begins anew.
    pub async fn right(self) -> Result<Turn, Error> {
        self.note(&HoldBack::default()).await?;
        Ok(self.turn)
    }

    /// It was neither right nor wrong: a password without the code that is needed too. If it cleared the count, who knows
    /// the password could guess codes without end.
    pub async fn open(self) -> Result<Turn, Error> {
        self.note(&self.before).await?;
        Ok(self.turn)
    }

    async fn note(&self, next: &HoldBack) -> Result<(), Error> {
        // If there was another try meanwhile, that try counts.
        self.store.note_tries(&self.email, Some(&self.noted), next, self.clock.now()).await?;
        Ok(())
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
