//! The gate of the machine plane: brings the facts in one batch read, lets `vault::read_gate` decide, and makes the
//! decision count with one conditional write.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use protocol::{MachineId, ProjectId, SecretId, VaultId};
use store::vaults::{grant, machine, membership, project, secret, vault as vault_key};
use store::{Audit, Batch, Fetched, Key, NonceError, Signer, Store};
use vault::Time;
use vault::audit::{Action, ActorKind, Origin, Record};
use vault::lockout::Lockout;
use vault::model::{Grant, Machine, Membership, Project, Secret, Vault};
use vault::read_gate::{Caller, Refusal, Target, authenticate};

use crate::{Clock, Config, Error, Services, SignedRequest};

/// How many secrets' and machines' whereabouts are remembered.
const HINTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9_999);

/// Where secrets and machines were last found. A secret's project and a machine's vault never change, so this only
/// says which keys to fetch; every decision is made on the rows themselves.
struct Hints {
    projects: Mutex<LruCache<SecretId, ProjectId>>,
    vaults: Mutex<LruCache<MachineId, VaultId>>,
}

fn recall<K: std::hash::Hash + Eq, V: Copy>(hints: &Mutex<LruCache<K, V>>, key: &K) -> Option<V> {
    hints.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
}

fn remember<K: std::hash::Hash + Eq, V>(hints: &Mutex<LruCache<K, V>>, key: K, value: V) {
    hints.lock().unwrap_or_else(PoisonError::into_inner).put(key, value);
}

/// The facts about one request.
#[derive(Default)]
pub struct Facts {
    lockout: Option<Lockout>,
    machine: Option<Machine>,
    vault: Option<Vault>,
    secret: Option<Secret>,
    project: Option<Project>,
    membership: Option<Membership>,
    grant: Option<Grant>,
}

impl Facts {
    /// What is asked for, for the read gate.
    pub fn target(&self) -> Target<'_> {
        Target {
            secret: self.secret.as_ref(),
            project: self.project.as_ref(),
            membership: self.membership.as_ref(),
            grant: self.grant.as_ref(),
        }
    }

    /// Who asks, for the read gate.
    pub fn caller<'a>(&'a self, request: &'a SignedRequest, signed_text: &'a [u8]) -> Caller<'a> {
        Caller {
            address: request.address,
            locked_until: self.lockout.as_ref().and_then(|known| known.locked_until),
            machine: self.machine.as_ref(),
            vault: self.vault.as_ref(),
            signed_text,
            signature: &request.headers.signature,
            timestamp_seconds: request.headers.timestamp.seconds(),
        }
    }

    /// A record of something this machine did; nothing while machine or vault are unknown.
    pub fn record(&self, request: &SignedRequest, now: Time, action: Action, detail: &str) -> Option<Record> {
        let (machine, vault) = (self.machine.as_ref()?, self.vault.as_ref()?);
        let origin = Origin {
            vault: vault.id,
            owner: vault.owner,
            actor: ActorKind::Machine,
            address: Some(request.address),
            at: now,
        };
        Some(origin.record(action, detail).machine(machine.id))
    }

    fn take(&mut self, fetched: &mut Fetched, keys: &Wanted) -> Result<(), Error> {
        fn fill<R: store::Row>(slot: &mut Option<R>, fetched: &mut Fetched, key: Option<&Key<R>>) -> Result<(), Error> {
            if let Some(key) = key {
                *slot = fetched.take(key)?;
            }
            Ok(())
        }
        fill(&mut self.lockout, fetched, keys.lockout.as_ref())?;
        fill(&mut self.machine, fetched, keys.machine.as_ref())?;
        fill(&mut self.vault, fetched, keys.vault.as_ref())?;
        fill(&mut self.secret, fetched, keys.secret.as_ref())?;
        fill(&mut self.project, fetched, keys.project.as_ref())?;
        fill(&mut self.membership, fetched, keys.membership.as_ref())?;
        fill(&mut self.grant, fetched, keys.grant.as_ref())
    }
}

/// Keys of the facts that one fetch is to bring.
#[derive(Default)]
struct Wanted {
    lockout: Option<Key<Lockout>>,
    machine: Option<Key<Machine>>,
    vault: Option<Key<Vault>>,
    secret: Option<Key<Secret>>,
    project: Option<Key<Project>>,
    membership: Option<Key<Membership>>,
    grant: Option<Key<Grant>>,
}

impl Wanted {
    fn place(&mut self, of: MachineId, secret: SecretId, in_project: ProjectId) {
        self.project = Some(project(in_project));
        self.membership = Some(membership(of, in_project));
        self.grant = Some(grant(of, in_project, secret));
    }

    fn add_to(&self, batch: &mut Batch) {
        fn add<R: store::Row>(batch: &mut Batch, key: Option<&Key<R>>) {
            if let Some(key) = key {
                batch.want(key);
            }
        }
        add(batch, self.lockout.as_ref());
        add(batch, self.machine.as_ref());
        add(batch, self.vault.as_ref());
        add(batch, self.secret.as_ref());
        add(batch, self.project.as_ref());
        add(batch, self.membership.as_ref());
        add(batch, self.grant.as_ref());
    }
}

/// The gate of one function.
#[derive(Clone)]
pub struct Gate {
    store: Store,
    audit: Audit,
    clock: Clock,
    config: Arc<Config>,
    hints: Arc<Hints>,
}

impl Gate {
    /// A gate with an empty memory.
    #[must_use]
    pub fn new(services: &Services) -> Self {
        let hints = Hints { projects: Mutex::new(LruCache::new(HINTS)), vaults: Mutex::new(LruCache::new(HINTS)) };
        Self {
            store: services.store.clone(),
            audit: services.store.audit(),
            clock: services.clock.clone(),
            config: services.config.clone(),
            hints: Arc::new(hints),
        }
    }

    /// The time of this decision.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Step 2 for a request that is about no single secret.
    pub async fn facts(&self, request: &SignedRequest) -> Result<Facts, Error> {
        self.bring(request, None, Batch::new()).await.map(|(facts, _)| facts)
    }

    /// Step 2 for a request about one secret, with one more row (its value) in the same read.
    ///
    /// Warm, this is one `BatchGetItem`. When it is not known where the secret or the machine are, the rows that
    /// depend on that take a second one.
    pub async fn facts_about<V: store::Row>(
        &self,
        request: &SignedRequest,
        about: SecretId,
        also: &Key<V>,
    ) -> Result<(Facts, Option<V>), Error> {
        let mut batch = Batch::new();
        batch.want(also);
        let (facts, mut rest) = self.bring(request, Some(about), batch).await?;
        Ok((facts, rest.take(also)?))
    }

    async fn bring(
        &self,
        request: &SignedRequest,
        about: Option<SecretId>,
        mut batch: Batch,
    ) -> Result<(Facts, Fetched), Error> {
        let who = request.headers.identity;
        let known_vault = recall(&self.hints.vaults, &who);
        let known_project = about.and_then(|secret| recall(&self.hints.projects, &secret));
        let mut wanted = Wanted {
            lockout: Some(store::lockout::lockout(request.address)),
            machine: Some(machine(who)),
            vault: known_vault.map(vault_key),
            secret: about.map(secret),
            ..Wanted::default()
        };
        if let (Some(secret), Some(project)) = (about, known_project) {
            wanted.place(who, secret, project);
        }
        wanted.add_to(&mut batch);
        let mut facts = Facts::default();
        let mut fetched = self.store.fetch(batch).await?;
        facts.take(&mut fetched, &wanted)?;

        let mut missing = Wanted::default();
        if let (None, Some(machine)) = (known_vault, &facts.machine) {
            missing.vault = Some(vault_key(machine.vault));
            remember(&self.hints.vaults, who, machine.vault);
        }
        if let (None, Some(secret)) = (known_project, &facts.secret) {
            missing.place(who, secret.id, secret.project);
            remember(&self.hints.projects, secret.id, secret.project);
        }
        let mut batch = Batch::new();
        missing.add_to(&mut batch);
        if !batch.is_empty() {
            let mut more = self.store.fetch(batch).await?;
            facts.take(&mut more, &missing)?;
        }
        Ok((facts, fetched))
    }

    /// Steps 2 to 8 and 13 for a route that is not audited: who signed this request, with its nonce taken.
    pub async fn admit_unaudited(&self, request: &SignedRequest) -> Result<Machine, Error> {
        let facts = self.facts(request).await?;
        let now = self.now();
        let signed_text = request.signed_text();
        let verdict = authenticate(&facts.caller(request, &signed_text), now);
        self.settle(request, &facts, now, verdict.map(|_| ()), None).await?;
        Ok(verdict?.machine.clone())
    }

    /// Step 13: makes the verdict count. When this returns without error the request was admitted, is unique, and its
    /// record, if it has one, is written. `record` is the record of either outcome of a signed request.
    pub async fn settle(
        &self,
        request: &SignedRequest,
        facts: &Facts,
        now: Time,
        verdict: Result<(), Refusal>,
        record: Option<Record>,
    ) -> Result<(), Error> {
        let refusal = match verdict {
            Err(refusal) if !refusal.is_signed() => refusal,
            // The machine's own request: it burns its nonce, refused or not.
            verdict => match self
                .audit
                .take_nonce(Signer::Machine(request.headers.identity), &request.headers.nonce, record.as_ref(), now)
                .await
            {
                Ok(()) => match verdict {
                    Ok(()) => return Ok(()),
                    Err(refusal) => refusal,
                },
                Err(NonceError::Replayed) => Refusal::Replayed,
                Err(NonceError::Store(error)) => return Err(error.into()),
            },
        };
        if refusal.is_authentication_failure() {
            self.store.count_failure(request.address, &self.config.lockout, now).await?;
            let failure = facts.record(request, now, Action::AuthFailure, refusal.reason());
            if let Some(failure) = failure {
                self.audit.record(&failure).await?;
            }
        }
        Err(Error::refused(refusal, now))
    }
}
