//! Making the verdict of a gate count, the same for machines and AI agents.

use rules::Time;
use rules::audit::Record;
use rules::lockout::Guessed;
use rules::signer::{self, Refused, Standing};
use store::{Audit, NonceError, Signer, Store, lockout};

use crate::{Attempts, Base, Clock, Error, SignedRequest};

/// What it takes to make a verdict count.
#[derive(Clone)]
pub(crate) struct Settling {
    pub(crate) store: Store,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
    attempts: Attempts,
}

impl Settling {
    pub(crate) fn new(base: &Base) -> Self {
        Self {
            store: base.store.clone(),
            audit: base.store.audit(),
            clock: base.clock.clone(),
            attempts: base.attempts(),
        }
    }

    /// Makes a verdict count. When this returns without error the request was admitted, is unique, and its record, if it has
    /// one, is written.
    ///
    /// `record` is the record of a request that is the signer's own, admitted or refused. `failure` makes the record of
    /// another refusal from its reason, if the vault is known.
    pub(crate) async fn settle<Id, R: Refused + Into<Error>>(
        &self,
        request: &SignedRequest<Id>,
        by: Signer,
        verdict: Result<(), R>,
        record: Option<Record>,
        failure: impl FnOnce(&'static str) -> Option<Record>,
        now: Time,
    ) -> Result<(), Error> {
        let refusal = match verdict {
            Err(refusal) if !refusal.burns_its_nonce() => refusal,
            verdict => match self.audit.take_nonce(by, &request.headers.nonce, record.as_ref(), now).await {
                Ok(()) => match verdict {
                    Ok(()) => return Ok(()),
                    Err(refusal) => refusal,
                },
                Err(NonceError::Replayed) => signer::Refusal::Replayed.into(),
                Err(NonceError::Store(error)) => return Err(error.into()),
            },
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
