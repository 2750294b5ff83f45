//! Making the verdict of a gate count, the same for machines and AI agents.

use std::sync::Arc;

use rules::Time;
use rules::audit::Record;
use rules::signer::{self, Refused};
use store::{Audit, NonceError, Signer, Store};

use crate::{Base, Clock, Config, Error, SignedRequest};

/// What it takes to make a verdict count.
#[derive(Clone)]
pub(crate) struct Settling {
    pub(crate) store: Store,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
    config: Arc<Config>,
}

impl Settling {
    pub(crate) fn new(base: &Base) -> Self {
        Self {
            store: base.store.clone(),
            audit: base.store.audit(),
            clock: base.clock.clone(),
            config: base.config.clone(),
        }
    }

    /// Makes a verdict count. When this returns without error the request was admitted, is unique, and its record, if it has
    /// one, is written.
    ///
    /// `record` is the record of a signed request, admitted or refused. `failure` makes the record of a failed
    /// authentication from its reason, if the vault is known.
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
            Err(refusal) if !refusal.is_signed() => refusal,
            // The signer's own request: it burns its nonce, refused or not.
            verdict => match self.audit.take_nonce(by, &request.headers.nonce, record.as_ref(), now).await {
                Ok(()) => match verdict {
                    Ok(()) => return Ok(()),
                    Err(refusal) => refusal,
                },
                Err(NonceError::Replayed) => signer::Refusal::Replayed.into(),
                Err(NonceError::Store(error)) => return Err(error.into()),
            },
        };
        if refusal.is_authentication_failure() {
            self.store.count_failure(request.address, &self.config.lockout, now).await?;
            if let Some(failure) = failure(refusal.reason()) {
                self.audit.record(&failure).await?;
            }
        }
        Err(Error::refused(refusal, now))
    }
}
