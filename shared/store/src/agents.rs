//! The agents table: keys of its rows, and the lists it gives. No function of the machine plane has a right on it.

use crypto::TokenHash;
use protocol::{AgentId, VaultId};
use vault::Time;
use vault::audit::Record;
use vault::model::{Agent, AgentBootstrapToken, Rename};

use crate::engine::row::Key;
use crate::{CommitError, Lists, StoreError, Update};

/// Key of an agent.
#[must_use]
pub fn agent(id: AgentId) -> Key<Agent> {
    Key::new(format!("AGENT#{id}"), "AGENT")
}

/// Key of an agent's bootstrap token.
#[must_use]
pub fn bootstrap_token(hash: &TokenHash) -> Key<AgentBootstrapToken> {
    Key::new(format!("AGENT-BOOTSTRAP#{}", hash.as_str()), "BOOTSTRAP")
}

/// Key of an agent's earlier name.
pub(crate) fn rename(id: AgentId, at: Time) -> Key<Rename<AgentId>> {
    Key::new(format!("AGENT#{id}"), format!("NAME#{:013}", at.ms()))
}

impl Lists {
    /// A vault's agents.
    pub async fn agents(&self, vault: VaultId) -> Result<Vec<Agent>, StoreError> {
        self.query_owned(format!("VAULT#{vault}"), "AGENT#").await
    }

    /// An agent's renames, oldest first, strongly consistent.
    pub async fn agent_renames(&self, id: AgentId) -> Result<Vec<Rename<AgentId>>, StoreError> {
        self.query(format!("AGENT#{id}"), "NAME#").await
    }

    /// Removes an agent with its scopes, allowlist and names. `approved` is the state it has to be in.
    ///
    /// The agent itself goes first, with the record: from then on it is nobody. What is left of its names after that is
    /// of no use to anybody, and is gone too unless this is cut off.
    pub async fn remove_agent(&self, id: AgentId, approved: bool, record: &Record) -> Result<(), CommitError> {
        let mut first = self.transaction();
        first.delete_if(Update::existing(&agent(id)).when_equals("approved", &approved)?);
        first.record(record);
        first.commit().await?;
        self.delete_all(&self.agent_renames(id).await?).await
    }
}
