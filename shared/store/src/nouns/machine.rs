//! Machines, and their earlier names.

use protocol::{MachineId, VaultId};
use rules::Time;
use rules::audit::Record;
use rules::nouns::{Machine, Rename, Tombstone};

use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{CommitError, Lists, StoreError};

/// Key of a machine.
#[must_use]
pub fn row(id: MachineId) -> RowKey<Machine> {
    RowKey::new(format!("MACHINE#{id}"), "MACHINE")
}

/// Key of what stays of a machine that was removed.
#[must_use]
pub fn tombstone(id: MachineId) -> RowKey<Tombstone<MachineId>> {
    RowKey::new(format!("MACHINE#{id}"), "TOMBSTONE")
}

/// Key of a machine's earlier name.
pub(crate) fn rename(id: MachineId, at: Time) -> RowKey<Rename<MachineId>> {
    RowKey::new(format!("MACHINE#{id}"), format!("NAME#{}", sortable(at)))
}

impl Row for Machine {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "machine";
}

impl Put for Machine {
    fn key(&self) -> RowKey<Self> {
        row(self.id)
    }

    fn owner(&self) -> Option<(String, String)> {
        Some((format!("VAULT#{}", self.vault), format!("MACHINE#{}#{}", sortable(self.created_at), self.id)))
    }
}

attributes! {
    Machine {
        NAME = name "name": String;
        APPROVED = approved "approved": bool;
        ENABLED = enabled "enabled": bool;
    }
}

impl Row for Rename<MachineId> {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "rename of a machine";
}

impl Put for Rename<MachineId> {
    fn key(&self) -> RowKey<Self> {
        rename(self.of, self.at)
    }
}

impl Row for Tombstone<MachineId> {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "tombstone of a machine";
}

impl Put for Tombstone<MachineId> {
    fn key(&self) -> RowKey<Self> {
        tombstone(self.of)
    }

    fn drop_after(&self) -> Option<Time> {
        Some(self.ends_at())
    }
}

impl Lists {
    /// A vault's machines.
    pub async fn machines(&self, vault: VaultId) -> Result<Vec<Machine>, StoreError> {
        self.query_owned(format!("VAULT#{vault}"), "MACHINE#").await
    }

    /// A machine's renames, oldest first, strongly consistent.
    pub async fn machine_renames(&self, id: MachineId) -> Result<Vec<Rename<MachineId>>, StoreError> {
        self.query(format!("MACHINE#{id}"), "NAME#").await
    }

    /// Removes a machine with its memberships and grants, in steps that can be taken up again.
    ///
    /// First it is disabled, and `record` written: from then on it reads nothing. Then its rows go, then itself, and a
    /// tombstone takes its place. It has to be approved or pending still, as it was.
    pub async fn remove_machine(&self, machine: &Machine, record: &Record) -> Result<(), CommitError> {
        let id = machine.id;
        let mut first = self.transaction();
        let as_it_was = if machine.approved { APPROVED.is(&true) } else { APPROVED.is_not(&true) };
        first.change(row(id).change().set(ENABLED, &false).only_if(as_it_was));
        first.record(record);
        first.commit().await?;
        self.drop_grants(id, None).await?;
        self.delete_all(&self.memberships(id).await?).await?;
        self.delete_all(&self.machine_renames(id).await?).await?;
        let mut last = self.transaction();
        last.delete(&row(id));
        last.put(&machine.tombstone(record.user_id, record.timestamp));
        last.commit().await
    }

    /// How many machines a vault has.
    pub async fn count_machines(&self, vault: VaultId) -> Result<usize, StoreError> {
        self.count_owned(Table::Vault, format!("VAULT#{vault}"), "MACHINE#").await
    }
}
