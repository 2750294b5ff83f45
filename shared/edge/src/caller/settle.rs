//! Making the verdict of a gate count, the same for machines and AI agents.

use std::sync::Arc;

use rules::Time;
use rules::audit::Record;
use rules::lockout::Guessed;
use rules::signer::{self, Refused, Standing};
use store::{Audit, NonceError, Signer, Store, Transaction, lockout};

use crate::{Attempts, Base, Clock, Config, Error, SignedRequest};

/// What is written with a nonce, in one transaction.
pub(crate) type Steps<'a> = &'a (dyn Fn(&mut Transaction<'_>) + Send + Sync);

/// Whether a verdict counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It does.
    Counts,
    /// What was to be written with it does not hold any more: nothing was written, and it has to be judged anew.
    Overtaken,
}

/// What it takes to make a verdict count.
#[derive(Clone)]
pub(crate) struct Settling {
    pub(crate) store: Store,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
    pub(crate) config: Arc<Config>,
    attempts: Attempts,
}

impl Settling {
    pub(crate) fn new(base: &Base) -> Self {
        Self {
            store: base.store.clone(),
            audit: base.store.audit(),
            clock: base.clock.clone(),
            config: base.config.clone(),
            attempts: base.attempts(),
        }
    }

    /// Makes a verdict count. When this returns without error the request was admitted, is unique, and its record, if it has
    /// one, is written.
    ///
    /// `record` is the record of a request that is the signer's own, admitted or refused, and `with` what is written with it.
    /// `failure` makes the record of another refusal from its reason, if the vault is known.
    #[expect(clippy::too_many_arguments, reason = "each is a thing of its own")]
    pub(crate) async fn settle<Id, R: Refused + Into<Error>>(
        &self,
        request: &SignedRequest<Id>,
        by: Signer,
        verdict: Result<(), R>,
        record: Option<Record>,
        with: Option<Steps<'_>>,
        failure: impl FnOnce(&'static str) -> Option<Record>,
        now: Time,
    ) -> Result<Settled, Error> {
        let refusal = match verdict {
            Err(refusal) if !refusal.burns_its_nonce() => refusal,
            verdict => {
                let nonce = &request.headers.nonce;
                let taken = match (with, &record) {
                    (Some(steps), Some(record)) => self.audit.take_nonce_with(by, nonce, record, now, steps).await,
                    _ => self.audit.take_nonce(by, nonce, record.as_ref(), now).await,
                };
                match taken {
                    Ok(()) => match verdict {
                        Ok(()) => return Ok(Settled::Counts),
                        Err(refusal) => refusal,
                    },
                    Err(NonceError::Replayed) => signer::Refusal::Replayed.into(),
                    Err(NonceError::Overtaken) => return Ok(Settled::Overtaken),
                    Err(NonceError::Store(error)) => return Err(error.into()),
                }
            }
        };
        let reason = refusal.reason();
        match refusal.standing() {
            Standing::Guess => {
                let answer = refusal.into();
                return Err(self.attempts.refuse(Guessed::Signature, request.address, failure(reason), answer).await);
            }
            Standing::Unchecked => {
                let about = format!("{by}#{reason}#{}", lockout::source(request.address));
                self.note(failure(reason), &about).await?;
            }
            Standing::Outdated => self.note(failure(reason), &format!("{by}#{reason}")).await?,
            Standing::Own => {}
        }
        Err(refusal.into())
    }

    /// Records what one broken client could bring about without end.
    async fn note(&self, record: Option<Record>, about: &str) -> Result<(), Error> {
        match record {
            Some(record) => Ok(self.audit.record_once_a_minute(&record, about).await?),
            None => Ok(()),
        }
    }
}
