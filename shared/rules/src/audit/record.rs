//! A record: what an action did, by whom and to what.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{AgentId, MachineId, ProjectId, SecretId, UserId, VaultId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, ActorKind, Severity};
use crate::Time;
use crate::nouns::Vault;
use crate::plan::{Plans, RETENTION_DAYS};

/// One record. Never changed once written; never holds a value.
#[must_use = "a record is kept when it is written"]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// What was done.
    pub action: Action,
    /// How much it matters.
    pub severity: Severity,
    /// Who acted.
    pub actor_kind: ActorKind,
    /// The vault it is about.
    pub vault: VaultId,
    /// The vault owner's id, which says nothing about who acted.
    pub user_id: UserId,
    /// The person who acted, if one did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor_user_id: Option<UserId>,
    /// The machine concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub machine_id: Option<MachineId>,
    /// The AI agent, set only when one acted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ai_agent_id: Option<AgentId>,
    /// The secret concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub secret_id: Option<SecretId>,
    /// The project concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub project_id: Option<ProjectId>,
    /// The address the request came from, or `system`.
    pub source_ip: String,
    /// What happened, for people.
    pub detail: String,
    /// When.
    pub timestamp: Time,
    /// How long it is kept, in days. It is not stored but as the row's end.
    #[serde(default = "retention")]
    pub kept_days: u64,
    /// Told when it is written.
    #[serde(skip)]
    pub written: Written,
}

fn retention() -> u64 {
    RETENTION_DAYS
}

/// Whether a record was written, for whoever made it. Records that are made for the same request can share one.
#[derive(Debug, Clone, Default)]
pub struct Written(Option<Arc<AtomicBool>>);

impl Written {
    /// One that can be asked.
    #[must_use]
    pub fn watched() -> Self {
        Self(Some(Arc::default()))
    }

    /// Says that the record is written.
    pub fn note(&self) {
        if let Some(written) = &self.0 {
            written.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a record was written.
    pub fn is_noted(&self) -> bool {
        self.0.as_ref().is_some_and(|written| written.load(Ordering::Relaxed))
    }
}

/// Whose vault a record belongs to, and who acted from where.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// The vault.
    pub vault: VaultId,
    /// Its owner.
    pub owner: UserId,
    /// Who acted.
    pub actor: ActorKind,
    /// From where; nothing for background work.
    pub address: Option<IpAddr>,
    /// When.
    pub at: Time,
    /// How long records of the vault are kept, in days.
    pub kept_days: u64,
}

impl Origin {
    /// Somebody who acts in a vault.
    #[must_use]
    pub fn of(vault: &Vault, plans: &Plans, actor: ActorKind, address: Option<IpAddr>, at: Time) -> Self {
        Self { vault: vault.id, owner: vault.owner, actor, address, at, kept_days: plans.kept_days(vault) }
    }

    /// A record of this action.
    pub fn entry(&self, action: Action, detail: impl Into<String>) -> Record {
        let kind = action.kind();
        debug_assert!(kind.actors.contains(&self.actor), "{} by {:?}", kind.name, self.actor);
        Record {
            action,
            severity: kind.severity,
            actor_kind: self.actor,
            vault: self.vault,
            user_id: self.owner,
            actor_user_id: None,
            machine_id: None,
            ai_agent_id: None,
            secret_id: None,
            project_id: None,
            source_ip: self.address.map_or_else(|| "system".to_owned(), |address| address.to_string()),
            detail: detail.into(),
            timestamp: self.at,
            kept_days: self.kept_days,
            written: Written::default(),
        }
    }
}

impl Record {
    /// Names the person who acted.
    pub fn person(self, id: UserId) -> Self {
        Self { actor_user_id: Some(id), ..self }
    }

    /// Names the machine concerned.
    pub fn machine(self, id: MachineId) -> Self {
        Self { machine_id: Some(id), ..self }
    }

    /// Names the AI agent that acted.
    pub fn agent(self, id: AgentId) -> Self {
        Self { ai_agent_id: Some(id), ..self }
    }

    /// Names the secret concerned.
    pub fn secret(self, id: SecretId) -> Self {
        Self { secret_id: Some(id), ..self }
    }

    /// Names the project concerned.
    pub fn project(self, id: ProjectId) -> Self {
        Self { project_id: Some(id), ..self }
    }
}

/// A record as those who manage see it: every field there, `null` where it does not apply.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "AuditRecord")]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of a Record")]
pub struct View {
    pub action: Action,
    pub severity: Severity,
    pub actor_kind: ActorKind,
    pub user_id: UserId,
    pub actor_user_id: Option<UserId>,
    pub machine_id: Option<MachineId>,
    pub ai_agent_id: Option<AgentId>,
    pub secret_id: Option<SecretId>,
    pub project_id: Option<ProjectId>,
    pub source_ip: String,
    pub detail: String,
    pub timestamp: Time,
}

impl From<Record> for View {
    fn from(record: Record) -> Self {
        Self {
            action: record.action,
            severity: record.severity,
            actor_kind: record.actor_kind,
            user_id: record.user_id,
            actor_user_id: record.actor_user_id,
            machine_id: record.machine_id,
            ai_agent_id: record.ai_agent_id,
            secret_id: record.secret_id,
            project_id: record.project_id,
            source_ip: record.source_ip,
            detail: record.detail,
            timestamp: record.timestamp,
        }
    }
}
