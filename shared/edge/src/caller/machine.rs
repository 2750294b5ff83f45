//! The gate of the machine plane: brings the facts in one batch read, lets `rules::read_gate` decide, and makes the
//! decision count with one conditional write.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use protocol::{MachineId, ProjectId, SecretId, VaultId};
use rules::Time;
use rules::audit::{Action, ActorKind, Origin, Record};
use rules::nouns::{Grant, Machine, Membership, Policy, PolicyId, Project, Secret, SecretReads, Tombstone, Vault};
use rules::read_gate::{Caller, Moment, Refusal, Target, authenticate, decide};
use rules::signer::{Refused as _, Standing};
use store::{
    Batch, Fetched, Row, RowKey, Signer, StoreError, Transaction, backoff, grant, machine, member, policy, project,
    secret, vault,
};

use super::settle::{Settled, Settling, Steps};
use crate::{Base, Error, SignedRequest};

/// How many secrets' and machines' whereabouts are remembered.
const HINTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9_999);

/// How often a read is judged because others were counted at the same time; with the waits that is 8 s at most.
pub const TRIES: u32 = 30;

/// Where secrets and machines were last found, and the policies that secrets were last bound to. This only says which keys to
/// fetch; every decision is made on the rows themselves. A secret's project and a machine's vault never change.
struct Hints {
    projects: Mutex<LruCache<SecretId, ProjectId>>,
    policies: Mutex<LruCache<SecretId, PolicyId>>,
    vaults: Mutex<LruCache<MachineId, VaultId>>,
}

fn recall<K: std::hash::Hash + Eq, V: Copy>(hints: &Mutex<LruCache<K, V>>, key: &K) -> Option<V> {
    hints.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
}

fn remember<K: std::hash::Hash + Eq, V>(hints: &Mutex<LruCache<K, V>>, key: K, value: V) {
    hints.lock().unwrap_or_else(PoisonError::into_inner).put(key, value);
}

fn forget<K: std::hash::Hash + Eq, V>(hints: &Mutex<LruCache<K, V>>, key: &K) {
    hints.lock().unwrap_or_else(PoisonError::into_inner).pop(key);
}

/// A row that a decision needs: its key as soon as that is known, whether the row was asked for, and the row.
struct Fact<R> {
    key: Option<RowKey<R>>,
    asked: bool,
    row: Option<R>,
}

impl<R> Default for Fact<R> {
    fn default() -> Self {
        Self { key: None, asked: false, row: None }
    }
}

impl<R: Row> Fact<R> {
    /// Says which row it is.
    fn name(&mut self, key: RowKey<R>) {
        self.key = Some(key);
    }

    fn want(&mut self, batch: &mut Batch) {
        if let Some(key) = self.key.as_ref().filter(|_| !self.asked) {
            batch.want(key);
            self.asked = true;
        }
    }

    fn take(&mut self, fetched: &mut Fetched) -> Result<(), Error> {
        if let (Some(key), None) = (&self.key, &self.row) {
            self.row = fetched.take(key)?;
        }
        Ok(())
    }
}

macro_rules! facts {
    ($($name:ident: $row:ty,)+) => {
        /// The facts about one request: every row that the gate may need, here and nowhere else.
        #[derive(Default)]
        struct Facts {
            $($name: Fact<$row>,)+
        }

        impl Facts {
            /// Asks for what is named, each once.
            fn want(&mut self, batch: &mut Batch) {
                $(self.$name.want(batch);)+
            }

            /// Takes out what was asked for.
            fn take(&mut self, fetched: &mut Fetched) -> Result<(), Error> {
                $(self.$name.take(fetched)?;)+
                Ok(())
            }
        }
    };
}

facts! {
    machine: Machine,
    tombstone: Tombstone<MachineId>,
    vault: Vault,
    secret: Secret,
    project: Project,
    membership: Membership,
    grant: Grant,
    policy: Policy,
    reads: SecretReads,
}

impl Facts {
    /// Names what the reads of a secret have to meet that is bound to this policy.
    fn name_policy(&mut self, of: SecretId, bound_to: PolicyId) {
        self.policy = Fact::default();
        self.policy.name(policy::row(bound_to));
        self.reads.name(policy::reads(of));
    }

    /// Names what lies between a machine and a secret, once it is known in which project that is.
    fn name_place(&mut self, of: MachineId, about: SecretId, in_project: ProjectId) {
        self.project.name(project::row(in_project));
        self.membership.name(member::row(of, in_project));
        self.grant.name(grant::row(of, in_project, about));
    }

    /// What is asked for, for the read gate.
    fn target(&self) -> Target<'_> {
        Target {
            secret: self.secret.row.as_ref(),
            project: self.project.row.as_ref(),
            membership: self.membership.row.as_ref(),
            grant: self.grant.row.as_ref(),
            policy: self.policy.row.as_ref(),
            reads: self.reads.row.as_ref(),
        }
    }

    /// Who asks, for the read gate.
    fn caller<'a>(&'a self, request: &'a SignedRequest, signed_text: &'a [u8]) -> Caller<'a> {
        Caller {
            address: request.address,
            claim: request.claim(signed_text),
            machine: self.machine.row.as_ref(),
            tombstone: self.tombstone.row.as_ref(),
            vault: self.vault.row.as_ref(),
        }
    }

    /// The machine that asks, once it was admitted.
    fn asker(self, request: &SignedRequest, now: Time) -> Result<Asker, Error> {
        let known = self.origin(request, now).zip(self.machine.row.clone());
        let ((_, origin), machine) = known.ok_or_else(|| Error::internal("an admitted machine that nobody knows"))?;
        Ok(Asker { machine, now, address: request.address, origin })
    }

    /// The machine and its vault, also when it was removed.
    fn known(&self) -> Option<(MachineId, VaultId)> {
        let there = self.machine.row.as_ref().map(|machine| (machine.id, machine.vault));
        there.or_else(|| self.tombstone.row.as_ref().map(|tombstone| (tombstone.of, tombstone.vault)))
    }

    /// Who asks, as far as that is known, for records.
    fn origin(&self, request: &SignedRequest, now: Time) -> Option<(MachineId, Origin)> {
        let (id, vault) = (self.known()?.0, self.vault.row.as_ref()?);
        let (actor, address) = (ActorKind::Machine, Some(request.address));
        Some((id, Origin { vault: vault.id, owner: vault.owner, actor, address, at: now }))
    }
}

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
    /// From where it asked, and when.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment { address: self.address, now: self.now }
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
        let hints = Hints {
            projects: Mutex::new(LruCache::new(HINTS)),
            policies: Mutex::new(LruCache::new(HINTS)),
            vaults: Mutex::new(LruCache::new(HINTS)),
        };
        Self { settling: Settling::new(base), hints: Arc::new(hints) }
    }

    /// Notes which version an admitted read delivered.
    pub async fn note_delivery(&self, to: &Grant, version: u64) -> Result<(), Error> {
        Ok(self.settling.store.note_delivery(to, version).await?)
    }

    /// Step 2, with one more row in the same read.
    ///
    /// Warm, this is one `BatchGetItem`. When it is not known where the secret or the machine are, the rows that
    /// depend on that take a second one; so does the tombstone of a machine that is not there.
    async fn facts<V: Row>(
        &self,
        request: &SignedRequest,
        about: Option<SecretId>,
        also: Option<&RowKey<V>>,
    ) -> Result<(Facts, Option<V>), Error> {
        let who = request.headers.identity;
        let (mut facts, mut hinted) = (Facts::default(), None);
        facts.machine.name(machine::row(who));
        if let Some(vault) = recall(&self.hints.vaults, &who) {
            facts.vault.name(vault::row(vault));
        }
        if let Some(id) = about {
            facts.secret.name(secret::row(id));
            if let Some(project) = recall(&self.hints.projects, &id) {
                facts.name_place(who, id, project);
            }
            hinted = recall(&self.hints.policies, &id);
            if let Some(policy) = hinted {
                facts.name_policy(id, policy);
            }
        }
        let mut batch = Batch::new();
        facts.want(&mut batch);
        if let Some(key) = also {
            batch.want(key);
        }
        let mut fetched = self.settling.store.fetch(batch).await?;
        facts.take(&mut fetched)?;
        let also = also.map(|key| fetched.take(key)).transpose()?.flatten();

        if facts.machine.row.is_none() {
            facts.tombstone.name(machine::tombstone(who));
            let mut batch = Batch::new();
            facts.want(&mut batch);
            facts.take(&mut self.settling.store.fetch(batch).await?)?;
        }
        let places = (facts.vault.key.is_none(), facts.project.key.is_none());
        if let (true, Some((_, vault))) = (places.0, facts.known()) {
            facts.vault.name(vault::row(vault));
            remember(&self.hints.vaults, who, vault);
        }
        if let (true, Some((id, project))) = (places.1, facts.secret.row.as_ref().map(|row| (row.id, row.project))) {
            facts.name_place(who, id, project);
            remember(&self.hints.projects, id, project);
        }
        let bound_to = facts.secret.row.as_ref().map(|row| (row.id, row.policy));
        match bound_to.filter(|(_, policy)| hinted != *policy) {
            Some((id, Some(policy))) => {
                facts.name_policy(id, policy);
                remember(&self.hints.policies, id, policy);
            }
            Some((id, None)) => forget(&self.hints.policies, &id),
            None => {}
        }
        let mut batch = Batch::new();
        facts.want(&mut batch);
        if !batch.is_empty() {
            facts.take(&mut self.settling.store.fetch(batch).await?)?;
        }
        Ok((facts, also))
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
        for again in 0..TRIES {
            backoff(again).await;
            let (facts, also) = self.facts(request, id, also.as_ref()).await?;
            let now = self.settling.clock.now();
            let target = facts.target();
            let verdict = decide(&facts.caller(request, &signed_text), &target, now);
            let about = |record: Record| match (id, target.project) {
                (Some(id), Some(project)) if project.vault == record.vault => record.secret(id).project(project.id),
                (Some(id), _) => record.secret(id),
                (None, _) => record,
            };
            let at = Moment { address: request.address, now };
            let effect = verdict.ok().and_then(|admitted| Some((admitted.effect(at)?, admitted.project.id)));
            let steps = effect.map(|(effect, project)| {
                move |write: &mut Transaction<'_>| _ = policy::bring_about(write, &effect, project, now)
            });
            let with: Option<Steps<'_>> = steps.as_ref().map(|steps| steps as Steps<'_>);
            let outcome = verdict.map(|_| (Action::SecretRead, "Secret read"));
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
        let (facts, _) = self.facts(request, None, None::<&RowKey<Machine>>).await?;
        let now = self.settling.clock.now();
        let signed_text = request.signed_text();
        let judged = match authenticate(&facts.caller(request, &signed_text), now) {
            Ok(who) => judge(who.machine).await,
            Err(refusal) => Err(Refusing::ByGate(refusal)),
        };
        match judged {
            Ok(asked) => {
                self.settle(request, &facts, Ok((action, detail)), None, now, |record| record).await?;
                Ok((facts.asker(request, now)?, asked))
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
        let (facts, _) = self.facts(request, None, None::<&RowKey<Machine>>).await?;
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
            let (machine, origin) = facts.origin(request, now)?;
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
            let (machine, origin) = facts.origin(request, now)?;
            Some(origin.entry(Action::AuthFailure, reason).machine(machine))
        };
        self.settling.settle(request, by, verdict, record, with, failure, now).await
    }
}
