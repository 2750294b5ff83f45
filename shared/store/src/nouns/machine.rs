//! Machines, and their earlier names.

use std::net::IpAddr;

use protocol::{MachineId, VaultId};
use rules::Time;
use rules::audit::Record;
use rules::nouns::{Machine, Rename, Tombstone};
use rules::plan::Counted;

use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{Change, CommitError, List, Lists, StoreError, Transaction, usage};

/// A vault's machines, in the order in which they registered.
#[must_use]
pub fn of_vault(vault: VaultId) -> List<Machine> {
    List::owned(format!("VAULT#{vault}"), "MACHINE#")
}

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

/// A machine's renames, oldest first.
#[must_use]
pub fn renames_of(id: MachineId) -> List<Rename<MachineId>> {
    List::stored(format!("MACHINE#{id}"), "NAME#")
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
        ENDED = ended "ended": bool;
        LAST_SEEN_AT = last_seen_at "lastSeenAt": Option<Time>;
        LAST_SEEN_ADDRESS = last_seen_address "lastSeenAddress": Option<IpAddr>;
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

/// Has a machine give back its place in the plan with this change, unless it has already.
pub fn end(write: &mut Transaction<'_>, machine: &Machine, change: Change<Machine>) -> Change<Machine> {
    if machine.ended {
        return change;
    }
    usage::free(write, machine.vault, Counted::Machines);
    change.set(ENDED, &true).only_if(ENDED.missing())
}

impl Lists {
    /// Writes down when a machine was last seen and from where. What is known already of that minute or a later one stays, so
    /// that a busy machine costs one write a minute.
    pub async fn note_seen(&self, id: MachineId, at: Time, from: Option<IpAddr>) -> Result<(), StoreError> {
        let is_newer = LAST_SEEN_AT.absent_or_less_than(&at.minus_seconds(super::NOTED_SECONDS));
        let change = row(id).change().set(LAST_SEEN_AT, &Some(at)).set(LAST_SEEN_ADDRESS, &from);
        self.change_if(change.only_if(is_newer)).await.map(|_| ())
    }

    /// Removes a machine with its memberships and grants, in steps that can be taken up again.
    ///
    /// First it is disabled, `record` written, and its place in the plan given back: from then on it reads nothing. Then its
    /// rows go, then itself, and a tombstone takes its place. It has to be approved or pending still, as it was.
    pub async fn remove_machine(&self, machine: &Machine, record: &Record) -> Result<(), CommitError> {
        let id = machine.id;
        let mut first = self.transaction();
        let as_it_was = if machine.approved { APPROVED.is(&true) } else { APPROVED.is_not(&true) };
        let disabled = row(id).change().set(ENABLED, &false).only_if(as_it_was);
        let disabled = end(&mut first, machine, disabled);
        first.change(disabled);
        first.record(record);
        first.commit().await?;
        self.drop_grants(id, None).await?;
        self.delete_all(&self.memberships(id).await?).await?;
        self.delete_all(&self.all(renames_of(id)).await?).await?;
        let mut last = self.transaction();
        last.delete(&row(id));
        last.put(&machine.tombstone(record.user_id, record.timestamp));
        last.commit().await
    }
}
