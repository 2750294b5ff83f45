//! AI agents, and their earlier names. No function of the machine plane has a right on their table.

use std::collections::BTreeSet;

use protocol::{AgentId, ProjectId, VaultId};
use rules::Time;
use rules::audit::Record;
use rules::nouns::{Agent, Rename, Tombstone};
use rules::plan::Counted;
use rules::scope::Scope;

use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::{CommitError, List, Lists, usage};

/// A vault's agents, in the order in which they registered.
#[must_use]
pub fn of_vault(vault: VaultId) -> List<Agent> {
    List::owned(format!("VAULT#{vault}"), "AGENT#")
}

/// Key of an agent.
#[must_use]
pub fn row(id: AgentId) -> RowKey<Agent> {
    RowKey::new(format!("AGENT#{id}"), "AGENT")
}

/// Key of what stays of an agent that was removed.
#[must_use]
pub fn tombstone(id: AgentId) -> RowKey<Tombstone<AgentId>> {
    RowKey::new(format!("AGENT#{id}"), "TOMBSTONE")
}

/// An agent's renames, oldest first.
#[must_use]
pub fn renames_of(id: AgentId) -> List<Rename<AgentId>> {
    List::stored(format!("AGENT#{id}"), "NAME#")
}

/// Key of an agent's earlier name.
pub(crate) fn rename(id: AgentId, at: Time) -> RowKey<Rename<AgentId>> {
    RowKey::new(format!("AGENT#{id}"), format!("NAME#{}", sortable(at)))
}

impl Row for Agent {
    const TABLE: Table = Table::Agents;
    const KIND: &'static str = "agent";
}

impl Put for Agent {
    fn key(&self) -> RowKey<Self> {
        row(self.id)
    }

    fn owner(&self) -> Option<(String, String)> {
        Some((format!("VAULT#{}", self.vault), format!("AGENT#{}#{}", sortable(self.created_at), self.id)))
    }
}

attributes! {
    Agent {
        NAME = name "name": String;
        APPROVED = approved "approved": bool;
        ENABLED = enabled "enabled": bool;
        SCOPES = scopes "scopes": BTreeSet<Scope>;
        PROJECTS = projects "projects": Option<BTreeSet<ProjectId>>;
    }
}

impl Row for Rename<AgentId> {
    const TABLE: Table = Table::Agents;
    const KIND: &'static str = "rename of an agent";
}

impl Put for Rename<AgentId> {
    fn key(&self) -> RowKey<Self> {
        rename(self.of, self.at)
    }
}

impl Row for Tombstone<AgentId> {
    const TABLE: Table = Table::Agents;
    const KIND: &'static str = "tombstone of an agent";
}

impl Put for Tombstone<AgentId> {
    fn key(&self) -> RowKey<Self> {
        tombstone(self.of)
    }

    fn drop_after(&self) -> Option<Time> {
        Some(self.ends_at())
    }
}

impl Lists {
    /// Removes an agent with its scopes, allowlist and names. It has to be approved or pending still, as it was.
    ///
    /// The agent itself goes first, with the record, and a tombstone takes its place: from then on it is nobody. What is
    /// left of its names after that is of no use to anybody, and is gone too unless this is cut off.
    pub async fn remove_agent(&self, agent: &Agent, record: &Record) -> Result<(), CommitError> {
        let mut first = self.transaction();
        let as_it_was = if agent.approved { APPROVED.is(&true) } else { APPROVED.is_not(&true) };
        first.delete_if(&row(agent.id), [as_it_was]);
        first.put(&agent.tombstone(record.timestamp));
        usage::free(&mut first, agent.vault, Counted::AiAgents);
        first.record(record);
        first.commit().await?;
        self.delete_all(&self.all(renames_of(agent.id)).await?).await
    }
}
