//! Grants, and everything they hang on.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{MachineId, ProjectId, SecretId};
use rules::nouns::{Grant, Membership, Project, Secret};
use rules::read_gate::Target;

use super::{member, project, secret};
use crate::engine::attribute::attributes;
use crate::engine::read::all_of;
use crate::engine::row::{Put, Row, RowKey};
use crate::engine::table::Table;
use crate::{Batch, CommitError, Lists, StoreError};

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
}

impl Granted {
    /// The rows as facts.
    pub fn target(&self) -> Target<'_> {
        Target {
            secret: self.secret.as_ref(),
            project: self.project.as_ref(),
            membership: self.membership.as_ref(),
            grant: Some(&self.grant),
        }
    }
}

impl Lists {
    /// A machine's grants, all or of one project, strongly consistent.
    pub async fn grants(&self, machine: MachineId, project: Option<ProjectId>) -> Result<Vec<Grant>, StoreError> {
        let prefix = project.map_or_else(|| "GRANT#".to_owned(), |project| format!("GRANT#{project}#"));
        self.query(format!("MACHINE#{machine}"), &prefix).await
    }

    /// A machine's grants with everything they hang on, strongly consistent; projects and their secrets in the order
    /// in which they were made.
    pub async fn granted(&self, machine: MachineId, of: Option<ProjectId>) -> Result<Vec<Granted>, StoreError> {
        let grants = self.grants(machine, of).await?;
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
            granted.push(Granted { grant, secret, project, membership });
        }
        granted.sort_by_key(|row| {
            (row.project.as_ref().map(|p| (p.created_at, p.id)), row.secret.as_ref().map(|s| (s.created_at, s.id)))
        });
        Ok(granted)
    }

    /// A project's grants, all or for one secret.
    pub async fn grants_of(&self, project: ProjectId, secret: Option<SecretId>) -> Result<Vec<Grant>, StoreError> {
        let prefix = secret.map_or_else(|| "GRANT#".to_owned(), |secret| format!("GRANT#{secret}#"));
        self.query_owned(format!("PROJECT#{project}"), &prefix).await
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

    /// Deletes a machine's grants, all or of one project.
    pub async fn drop_grants(&self, machine: MachineId, project: Option<ProjectId>) -> Result<(), CommitError> {
        self.delete_all(&self.grants(machine, project).await?).await
    }

    /// Deletes a project's grants, all or for one secret.
    pub async fn drop_grants_of(&self, project: ProjectId, secret: Option<SecretId>) -> Result<(), CommitError> {
        self.delete_all(&self.grants_of(project, secret).await?).await
    }
}
