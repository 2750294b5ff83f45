//! The facts about one request of a machine: every row that the gate may need, brought in as few reads as possible.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use protocol::{MachineId, ProjectId, SecretId, VaultId};
use rules::Time;
use rules::audit::{ActorKind, Origin};
use rules::nouns::{Grant, Machine, Membership, Policy, PolicyId, Project, Secret, SecretReads, Tombstone, Vault};
use rules::plan::Plans;
use rules::read_gate::{Caller, Target};
use store::{Batch, Fetched, Row, RowKey, Store, grant, machine, member, policy, project, secret, vault};

use crate::{Error, SignedRequest};

/// How many secrets' and machines' whereabouts are remembered.
const HINTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9_999);

/// What was last found out about things of one kind.
struct Hint<K, V>(Mutex<LruCache<K, V>>);

impl<K: Hash + Eq, V> Default for Hint<K, V> {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(HINTS)))
    }
}

impl<K: Hash + Eq, V: Copy> Hint<K, V> {
    fn recall(&self, key: &K) -> Option<V> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn remember(&self, key: K, value: V) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, value);
    }

    fn forget(&self, key: &K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop(key);
    }
}

/// Where secrets and machines were last found, and the policies that secrets were last bound to. This only says which keys to
/// fetch; every decision is made on the rows themselves. A secret's project and a machine's vault never change.
#[derive(Default)]
pub(super) struct Hints {
    projects: Hint<SecretId, ProjectId>,
    policies: Hint<SecretId, PolicyId>,
    vaults: Hint<MachineId, VaultId>,
}

/// A row that a decision needs: its key as soon as that is known, whether the row was asked for, and the row.
pub(super) struct Fact<R> {
    key: Option<RowKey<R>>,
    asked: bool,
    /// The row, once it was brought and if there is one.
    pub(super) row: Option<R>,
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
        pub(super) struct Facts {
            $(pub(super) $name: Fact<$row>,)+
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
    /// Step 2, with one more row in the same read.
    ///
    /// Warm, this is one `BatchGetItem`. When it is not known where the secret or the machine are, the rows that
    /// depend on that take a second one; so does the tombstone of a machine that is not there.
    pub(super) async fn bring<V: Row>(
        store: &Store,
        hints: &Hints,
        request: &SignedRequest,
        about: Option<SecretId>,
        also: Option<&RowKey<V>>,
    ) -> Result<(Self, Option<V>), Error> {
        let who = request.headers.identity;
        let (mut facts, mut hinted) = (Self::default(), None);
        facts.machine.name(machine::row(who));
        if let Some(vault) = hints.vaults.recall(&who) {
            facts.vault.name(vault::row(vault));
        }
        if let Some(id) = about {
            facts.secret.name(secret::row(id));
            if let Some(project) = hints.projects.recall(&id) {
                facts.name_place(who, id, project);
            }
            hinted = hints.policies.recall(&id);
            if let Some(policy) = hinted {
                facts.name_policy(id, policy);
            }
        }
        let mut batch = Batch::new();
        facts.want(&mut batch);
        if let Some(key) = also {
            batch.want(key);
        }
        let mut fetched = store.fetch(batch).await?;
        facts.take(&mut fetched)?;
        let also = also.map(|key| fetched.take(key)).transpose()?.flatten();

        if facts.machine.row.is_none() {
            facts.tombstone.name(machine::tombstone(who));
            let mut batch = Batch::new();
            facts.want(&mut batch);
            facts.take(&mut store.fetch(batch).await?)?;
        }
        let places = (facts.vault.key.is_none(), facts.project.key.is_none());
        if let (true, Some((_, vault))) = (places.0, facts.known()) {
            facts.vault.name(vault::row(vault));
            hints.vaults.remember(who, vault);
        }
        if let (true, Some((id, project))) = (places.1, facts.secret.row.as_ref().map(|row| (row.id, row.project))) {
            facts.name_place(who, id, project);
            hints.projects.remember(id, project);
        }
        let bound_to = facts.secret.row.as_ref().map(|row| (row.id, row.policy));
        match bound_to.filter(|(_, policy)| hinted != *policy) {
            Some((id, Some(policy))) => {
                facts.name_policy(id, policy);
                hints.policies.remember(id, policy);
            }
            Some((id, None)) => hints.policies.forget(&id),
            None => {}
        }
        let mut batch = Batch::new();
        facts.want(&mut batch);
        if !batch.is_empty() {
            facts.take(&mut store.fetch(batch).await?)?;
        }
        Ok((facts, also))
    }

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
    pub(super) fn target(&self) -> Target<'_> {
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
    pub(super) fn caller<'a>(&'a self, request: &'a SignedRequest, signed_text: &'a [u8]) -> Caller<'a> {
        Caller {
            address: request.address,
            claim: request.claim(signed_text),
            machine: self.machine.row.as_ref(),
            tombstone: self.tombstone.row.as_ref(),
            vault: self.vault.row.as_ref(),
        }
    }

    /// The machine and its vault, also when it was removed.
    fn known(&self) -> Option<(MachineId, VaultId)> {
        let there = self.machine.row.as_ref().map(|machine| (machine.id, machine.vault));
        there.or_else(|| self.tombstone.row.as_ref().map(|tombstone| (tombstone.of, tombstone.vault)))
    }

    /// Who asks, as far as that is known, for records.
    pub(super) fn origin(&self, request: &SignedRequest, plans: &Plans, now: Time) -> Option<(MachineId, Origin)> {
        let (id, vault) = (self.known()?.0, self.vault.row.as_ref()?);
        Some((id, Origin::of(vault, plans, ActorKind::Machine, Some(request.address), now)))
    }
}
