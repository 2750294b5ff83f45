//! Secrets with a schedule, and rotations that are due, in the order in which they are.

use protocol::VaultId;
use rules::Time;
use rules::nouns::{Due, DueBy, Scheduled, Secret};

use super::expiry;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{List, Lists, StoreError, Transaction};

/// The name of the list of what is due.
const DUE: &str = "DUE";

/// A vault's secrets with a schedule, in the order in which the schedules were made; those in the trash too.
#[must_use]
pub fn of_vault(vault: VaultId) -> List<Scheduled> {
    List::stored(format!("SCHEDULED#{vault}"), "SCHEDULED#")
}

impl Row for Scheduled {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "secret with a schedule";
}

impl Put for Scheduled {
    fn key(&self) -> RowKey<Self> {
        let order = format!("SCHEDULED#{}#{}", sortable(self.created_at), self.secret);
        RowKey::new(format!("SCHEDULED#{}", self.vault), order)
    }
}

impl Row for Due {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "rotation that is due";
}

impl Put for Due {
    fn key(&self) -> RowKey<Self> {
        let by = match self.by {
            DueBy::Schedule => "SCHEDULE",
            DueBy::Reads => "READS",
        };
        let partition = expiry::partition(DUE, &self.secret.to_string());
        RowKey::new(partition, format!("{}#{by}#{}", sortable(self.at), self.secret))
    }
}

/// The rotation that a secret's schedule asks for next, unless it is paused.
#[must_use]
pub fn due(of: &Secret) -> Option<Due> {
    let at = of.schedule.as_ref()?.due_at()?;
    Some(Due { at, by: DueBy::Schedule, secret: of.id })
}

/// Where a secret with a schedule is listed.
#[must_use]
pub fn listed(of: &Secret) -> Option<Scheduled> {
    let created_at = of.schedule.as_ref()?.created_at;
    Some(Scheduled { secret: of.id, project: of.project, vault: of.vault, created_at })
}

/// Lists a secret with its schedule, and what that asks for next.
pub fn begin(write: &mut Transaction<'_>, secret: &Secret) {
    if let Some(listed) = listed(secret) {
        write.put(&listed);
    }
    if let Some(due) = due(secret) {
        write.put(&due);
    }
}

/// Forgets both.
pub fn end(write: &mut Transaction<'_>, secret: &Secret) {
    if let Some(listed) = listed(secret) {
        write.delete(&listed.key());
    }
    if let Some(due) = due(secret) {
        write.delete(&due.key());
    }
}

impl Lists {
    /// The rotations that are due by now, strongly consistent; what was due first comes first.
    pub async fn due(&self, now: Time) -> Result<Vec<Due>, StoreError> {
        self.until(DUE, now, |due: &Due| due.at).await
    }
}
