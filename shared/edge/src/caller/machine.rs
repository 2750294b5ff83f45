//! The gate of the machine plane: brings the facts in one batch read, lets `rules::read_gate` decide, and makes the
//! decision count with one conditional write.

use std::net::IpAddr;
use std::sync::Arc;

use protocol::SecretId;
use rules::Time;
use rules::audit::{Action, Origin, Record};
use rules::nouns::{Grant, Machine, Project, Secret};
use rules::plan::Plans;
use rules::read_gate::{Admitted, Moment, Refusal, authenticate, decide};
use rules::signer::{Refused as _, Standing};
use store::{Row, RowKey, Signer, StoreError, Transaction, backoff, bring_about};

use super::facts::{Facts, Hints};
use super::settle::{Settled, Settling, Steps};
use crate::{Base, Error, SignedRequest};

/// How often a read is judged because others were counted at the same time; with the waits that is 8 s at most.
pub const READ_TRIES: u32 = 30;

/// A machine that was admitted, and the records of what it does in this request.
pub struct Asker {
    /// The machine.
    pub machine: Machine,
    /// When it asked.
    pub now: Time,
    address: IpAddr,
    origin: Origin,
}

impl Asker {
    fn of(facts: &Facts, request: &SignedRequest, plans: &Plans, now: Time) -> Result<Self, Error> {
        let known = facts.origin(request, plans, now).zip(facts.machine.row.clone());
        let ((_, origin), machine) = known.ok_or_else(|| Error::internal("an admitted machine that nobody knows"))?;
        Ok(Self { machine, now, address: request.address, origin })
    }

    /// From where it asked, and when.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment { address: self.address, now: self.now }
    }

    /// Who it is and where, for records of what it brings about.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// A record of something it did.
    pub fn entry(&self, action: Action, detail: &str) -> Record {
        self.origin.entry(action, detail).machine(self.machine.id)
    }
}

/// A read that was admitted and recorded, with its nonce taken.
pub struct Read<V> {
    /// The secret.
    pub secret: Secret,
    /// Its project.
    pub project: Project,
    /// The grant that says so.
    pub grant: Grant,
    /// The row that was asked for in the same read.
    pub also: Option<V>,
    /// When it was asked for.
    pub now: Time,
}

/// Why a request of a machine that has shown who it is is not answered.
pub enum Refusing {
    /// The gate refuses: that is recorded.
    ByGate(Refusal),
    /// Something else is wrong with it.
    Other(Error),
}

impl From<Error> for Refusing {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<StoreError> for Refusing {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

/// The gate of one function.
#[derive(Clone)]
pub struct Gate {
    settling: Settling,
    hints: Arc<Hints>,
}

impl Gate {
    /// A gate with an empty memory.
    #[must_use]
    pub fn new(base: &Base) -> Self {
        Self { settling: Settling::new(base), hints: Arc::default() }
    }

    fn plans(&self) -> &Plans {
        &self.settling.config.plans
    }

    /// Notes which version an admitted read delivered.
    pub async fn note_delivery(&self, to: &Grant, version: u64) -> Result<(), Error> {
        Ok(self.settling.store.note_delivery(to, version).await?)
    }

    async fn bring<V: Row>(
        &self,
        request: &SignedRequest,
        about: Option<SecretId>,
        also: Option<&RowKey<V>>,
    ) -> Result<(Facts, Option<V>), Error> {
        Facts::bring(&self.settling.store, &self.hints, request, about, also).await
    }

    /// The read of one secret, whole: facts, decision, nonce and record (steps 2 to 13). An id that is none is of an unknown
    /// secret, which the gate finds after it knows who asks.
    pub async fn read<V: Row>(
        &self,
        request: &SignedRequest,
        id: Option<SecretId>,
        also: impl FnOnce(SecretId) -> RowKey<V>,
    ) -> Result<Read<V>, Error> {
        let also = id.map(also);
        let signed_text = request.signed_text();
        for again in 0..READ_TRIES {
            backoff(again).await;
            let (facts, also) = self.bring(request, id, also.as_ref()).await?;
            let now = self.settling.clock.now();
            let target = facts.target();
            let verdict = decide(&facts.caller(request, &signed_text), &target, now);
            let about = |record: Record| match (id, target.project) {
                (Some(id), Some(project)) if project.vault == record.vault => record.secret(id).project(project.id),
                (Some(id), _) => record.secret(id),
                (None, _) => record,
            };
            let at = Moment { address: request.address, now };
            let steps = verdict.ok().and_then(|read| {
                let (effect, (_, origin)) = read.effect(at).zip(facts.origin(request, self.plans(), now))?;
                Some(move |write: &mut Transaction<'_>| bring_about(write, &effect, &read, origin))
            });
            let with: Option<Steps<'_>> = steps.as_ref().map(|steps| steps as Steps<'_>);
            let text = |read: &Admitted<'_>| if read.trips() { "Canary read" } else { "Secret read" };
            let outcome = verdict.map(|admitted| (admitted.action(), text(&admitted)));
            if self.settle(request, &facts, outcome, with, now, about).await? == Settled::Overtaken {
                continue;
            }
            let admitted = verdict?;
            let (secret, project, grant) = (admitted.secret.clone(), admitted.project.clone(), admitted.grant.clone());
            return Ok(Read { secret, project, grant, also, now });
        }
        Err(Error::unavailable("Too many read this secret at this moment, try again"))
    }

    /// Admits a machine to something that is recorded, once `judge` has looked at what it asks for: the scope of a request is
    /// looked at only for a machine that has shown who it is, and its refusal burns the nonce too.
    pub async fn admit<T>(
        &self,
        request: &SignedRequest,
        action: Action,
        detail: &str,
        judge: impl AsyncFnOnce(&Machine) -> Result<T, Refusing>,
    ) -> Result<(Asker, T), Error> {
        let (facts, _) = self.bring(request, None, None::<&RowKey<Machine>>).await?;
        let now = self.settling.clock.now();
        let signed_text = request.signed_text();
        let judged = match authenticate(&facts.caller(request, &signed_text), now) {
            Ok(who) => judge(who.machine).await,
            Err(refusal) => Err(Refusing::ByGate(refusal)),
        };
        match judged {
            Ok(asked) => {
                self.settle(request, &facts, Ok((action, detail)), None, now, |record| record).await?;
                Ok((Asker::of(&facts, request, self.plans(), now)?, asked))
            }
            Err(Refusing::ByGate(refusal)) => {
                self.settle(request, &facts, Err(refusal), None, now, |record| record).await?;
                Err(refusal.into())
            }
            Err(Refusing::Other(error)) => {
                self.count(request, &facts, Ok(()), None, None, now).await?;
                Err(error)
            }
        }
    }

    /// Admits a machine to something that is not recorded.
    pub async fn admit_unaudited(&self, request: &SignedRequest) -> Result<Machine, Error> {
        let (facts, _) = self.bring(request, None, None::<&RowKey<Machine>>).await?;
        let now = self.settling.clock.now();
        let signed_text = request.signed_text();
        let verdict = authenticate(&facts.caller(request, &signed_text), now);
        self.count(request, &facts, verdict.map(|_| ()), None, None, now).await?;
        Ok(verdict?.machine.clone())
    }

    /// Step 13 of something that is recorded: as what it is when it is admitted, as a refused read when it is not.
    async fn settle(
        &self,
        request: &SignedRequest,
        facts: &Facts,
        outcome: Result<(Action, &str), Refusal>,
        with: Option<Steps<'_>>,
        now: Time,
        about: impl FnOnce(Record) -> Record,
    ) -> Result<Settled, Error> {
        let record = |action, detail: &str| {
            let (machine, origin) = facts.origin(request, self.plans(), now)?;
            Some(origin.entry(action, detail).machine(machine))
        };
        let record = match outcome {
            // The gate admits nobody whose machine and vault are unknown, so there is a record; without one nothing goes on.
            Ok((action, detail)) => {
                Some(record(action, detail).ok_or_else(|| Error::internal("an admitted request without a record"))?)
            }
            Err(refusal) if refusal.standing() != Standing::Own => None,
            Err(refusal) => record(Action::SecretReadDenied, refusal.reason()),
        };
        self.count(request, facts, outcome.map(|_| ()), record.map(about), with, now).await
    }

    /// Makes a verdict count.
    async fn count(
        &self,
        request: &SignedRequest,
        facts: &Facts,
        verdict: Result<(), Refusal>,
        record: Option<Record>,
        with: Option<Steps<'_>>,
        now: Time,
    ) -> Result<Settled, Error> {
        let by = Signer::Machine(request.headers.identity);
        let failure = |reason: &str| {
            let (machine, origin) = facts.origin(request, self.plans(), now)?;
            Some(origin.entry(Action::AuthFailure, reason).machine(machine))
        };
        self.settling.settle(request, by, verdict, record, with, failure, now).await
    }
}
