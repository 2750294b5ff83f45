//! Memberships: which machines are in which projects.

use std::collections::BTreeSet;

use protocol::{MachineId, ProjectId};
use rules::nouns::{Membership, Project};

use super::project;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{Batch, CommitError, List, Lists, StoreError};

/// A project's memberships, in the order in which its machines joined.
#[must_use]
pub fn of_project(project: ProjectId) -> List<Membership> {
    List::owned(format!("PROJECT#{project}"), "MEMBER#")
}

/// Key of a membership.
#[must_use]
pub fn row(machine: MachineId, project: ProjectId) -> RowKey<Membership> {
    RowKey::new(format!("MACHINE#{machine}"), format!("MEMBER#{project}"))
}

impl Row for Membership {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "membership";
}

impl Put for Membership {
    fn key(&self) -> RowKey<Self> {
        row(self.machine, self.project)
    }

    fn owner(&self) -> Option<(String, String)> {
        Some((format!("PROJECT#{}", self.project), format!("MEMBER#{}#{}", sortable(self.added_at), self.machine)))
    }
}

impl Lists {
    /// A machine's memberships, strongly consistent.
    pub async fn memberships(&self, machine: MachineId) -> Result<Vec<Membership>, StoreError> {
        self.all(List::stored(format!("MACHINE#{machine}"), "MEMBER#")).await
    }

    /// A project and the machine's membership of it, strongly consistent.
    pub async fn project_and_membership(
        &self,
        machine: MachineId,
        id: ProjectId,
    ) -> Result<(Option<Project>, Option<Membership>), StoreError> {
        let keys = (project::row(id), row(machine, id));
        let mut batch = Batch::new();
        batch.want(&keys.0);
        batch.want(&keys.1);
        let mut fetched = self.fetch(batch).await?;
        Ok((fetched.take(&keys.0)?, fetched.take(&keys.1)?))
    }

    /// The projects that share a machine with this one.
    pub async fn related(&self, project: ProjectId) -> Result<BTreeSet<ProjectId>, StoreError> {
        let mut related = BTreeSet::new();
        for membership in self.all(of_project(project)).await? {
            let of_machine = self.memberships(membership.machine).await?;
            related.extend(of_machine.into_iter().map(|membership| membership.project));
        }
        related.remove(&project);
        Ok(related)
    }

    /// Ends all memberships of a project.
    pub async fn drop_members(&self, project: ProjectId) -> Result<(), CommitError> {
        self.delete_all(&self.all(of_project(project)).await?).await
    }
}
