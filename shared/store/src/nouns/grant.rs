//! Grants, and everything they hang on.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use protocol::{MachineId, ProjectId, SecretId};
use rules::Time;
use rules::nouns::{Grant, Membership, Policy, PolicyId, Project, Secret, SecretReads};
use rules::read_gate::Target;

use super::{member, policy, project, secret};
use crate::engine::attribute::attributes;
use crate::engine::read::all_of;
use crate::engine::row::{Put, Row, RowKey};
use crate::engine::table::Table;
use crate::{Batch, CommitError, List, Lists, StoreError};

/// A project's grants, all or for one secret.
#[must_use]
pub fn of_project(project: ProjectId, secret: Option<SecretId>) -> List<Grant> {
    let prefix = secret.map_or(Cow::Borrowed("GRANT#"), |secret| format!("GRANT#{secret}#").into());
    List::owned(format!("PROJECT#{project}"), prefix)
}

/// A machine's grants, all or of one project.
#[must_use]
pub fn of_machine(machine: MachineId, project: Option<ProjectId>) -> List<Grant> {
    let prefix = project.map_or(Cow::Borrowed("GRANT#"), |project| format!("GRANT#{project}#").into());
    List::stored(format!("MACHINE#{machine}"), prefix)
}

/// Key of a grant.
#[must_use]
pub fn row(machine: MachineId, project: ProjectId, secret: SecretId) -> RowKey<Grant> {
    RowKey::new(format!("MACHINE#{machine}"), format!("GRANT#{project}#{secret}"))
}

impl Row for Grant {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "grant";
}

impl Put for Grant {
    fn key(&self) -> RowKey<Self> {
        row(self.machine, self.project, self.secret)
    }

    fn owner(&self) -> Option<(String, String)> {
        Some((format!("PROJECT#{}", self.project), format!("GRANT#{}#{}", self.secret, self.machine)))
    }
}

attributes! {
    Grant {
        DELIVERED = delivered "delivered": Option<u64>;
        LAST_READ_AT = last_read_at "lastReadAt": Option<Time>;
    }
}

/// One of a machine's grants with the rows it hangs on, for the read gate to judge.
pub struct Granted {
    /// The grant.
    pub grant: Grant,
    /// Its secret.
    pub secret: Option<Secret>,
    /// Its project.
    pub project: Option<Project>,
    /// The machine's membership of that project.
    pub membership: Option<Membership>,
    /// The policy that its secret is bound to, once it is brought.
    pub policy: Option<Policy>,
    /// What was counted of the secret's reads, likewise.
    pub reads: Option<SecretReads>,
}

impl Granted {
    /// The rows as facts.
    pub fn target(&self) -> Target<'_> {
        Target {
            secret: self.secret.as_ref(),
            project: self.project.as_ref(),
            membership: self.membership.as_ref(),
            grant: Some(&self.grant),
            policy: self.policy.as_ref(),
            reads: self.reads.as_ref(),
        }
    }
}

impl Lists {
    /// A machine's grants with everything they hang on, strongly consistent; projects and their secrets in the order
    /// in which they were made.
    pub async fn granted(&self, machine: MachineId, of: Option<ProjectId>) -> Result<Vec<Granted>, StoreError> {
        let grants = self.all(of_machine(machine, of)).await?;
        let projects: BTreeSet<ProjectId> = grants.iter().map(|grant| grant.project).collect();
        let mut batch = Batch::new();
        for grant in &grants {
            batch.want(&secret::row(grant.secret));
        }
        for id in &projects {
            batch.want(&project::row(*id));
            batch.want(&member::row(machine, *id));
        }
        let mut fetched = self.fetch(batch).await?;
        let mut places = BTreeMap::new();
        for id in projects {
            places.insert(id, (fetched.take(&project::row(id))?, fetched.take(&member::row(machine, id))?));
        }
        let mut granted = Vec::with_capacity(grants.len());
        for grant in grants {
            let (project, membership) = places.get(&grant.project).cloned().unwrap_or_default();
            let secret = fetched.take(&secret::row(grant.secret))?;
            granted.push(Granted { grant, secret, project, membership, policy: None, reads: None });
        }
        granted.sort_by_key(|row| {
            (row.project.as_ref().map(|p| (p.created_at, p.id)), row.secret.as_ref().map(|s| (s.created_at, s.id)))
        });
        Ok(granted)
    }

    /// Brings what reads of these secrets have to meet, where they are bound to policies.
    pub async fn bring_policies(&self, granted: &mut [Granted]) -> Result<(), StoreError> {
        let policy_of = |row: &Granted| row.secret.as_ref().and_then(|secret| secret.policy);
        let bound: BTreeSet<PolicyId> = granted.iter().filter_map(policy_of).collect();
        let mut batch = Batch::new();
        for id in &bound {
            batch.want(&policy::row(*id));
        }
        for row in granted.iter().filter(|row| policy_of(row).is_some()) {
            batch.want(&policy::reads(row.grant.secret));
        }
        if batch.is_empty() {
            return Ok(());
        }
        let mut fetched = self.fetch(batch).await?;
        let mut policies = BTreeMap::new();
        for id in bound {
            policies.insert(id, fetched.take(&policy::row(id))?);
        }
        for row in granted {
            if let Some(id) = policy_of(row) {
                row.policy = policies.get(&id).cloned().flatten();
                row.reads = fetched.take(&policy::reads(row.grant.secret))?;
            }
        }
        Ok(())
    }

    /// Writes down that this version was delivered, unless a newer one was. A grant that is gone stays gone.
    ///
    /// This has to be written before a value leaves: without it the next poll could take a newer version for the one
    /// that was delivered, and the machine would keep the old one.
    pub async fn note_delivery(&self, to: &Grant, version: u64) -> Result<(), StoreError> {
        if to.delivered == Some(version) {
            return Ok(());
        }
        let note = to.key().change().set(DELIVERED, &Some(version)).only_if(DELIVERED.absent_or_less_than(&version));
        self.change_if(note).await.map(|_| ())
    }

    /// Writes down many deliveries, some at the same time.
    pub async fn note_deliveries(&self, notes: Vec<(Grant, u64)>) -> Result<(), StoreError> {
        let writes = notes.into_iter().map(|(grant, version)| {
            let store = self.clone();
            async move { store.note_delivery(&grant, version).await }
        });
        all_of(writes).await
    }

    /// Writes down when a machine last read a secret. What is known of that minute or a later one stays. A grant that is
    /// gone stays gone.
    pub async fn note_read(&self, grant: RowKey<Grant>, at: Time) -> Result<(), StoreError> {
        let is_newer = LAST_READ_AT.absent_or_less_than(&at.minus_seconds(super::NOTED_SECONDS));
        self.change_if(grant.change().set(LAST_READ_AT, &Some(at)).only_if(is_newer)).await.map(|_| ())
    }

    /// Deletes a machine's grants, all or of one project.
    pub async fn drop_grants(&self, machine: MachineId, project: Option<ProjectId>) -> Result<(), CommitError> {
        self.delete_all(&self.all(of_machine(machine, project)).await?).await
    }

    /// Deletes a project's grants, all or for one secret.
    pub async fn drop_grants_of(&self, project: ProjectId, secret: Option<SecretId>) -> Result<(), CommitError> {
        self.delete_all(&self.all(of_project(project, secret)).await?).await
    }
}
