//! Who manages, whichever door it came through.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use protocol::{AgentId, ProjectId, VaultId};
use rules::Time;
use rules::audit::{Action, ActorKind, Origin, Record, Written};
use rules::nouns::{Agent, User, Vault};
use store::Store;

use crate::{Config, Error};

/// Who manages: a signed-in person in the vault they chose, or an approved and enabled AI agent in its own.
#[derive(Clone)]
pub struct Principal {
    /// The vault it acts in.
    pub vault: VaultId,
    /// That vault, as it was when it asked.
    pub in_vault: Arc<Vault>,
    /// Where it is.
    pub address: IpAddr,
    /// When it asked.
    pub now: Time,
    /// Who it is.
    pub who: Who,
    /// Whether it has shown just now who it is. An agent shows it with each call.
    pub(super) fresh: bool,
    /// Whether a record of what it did was written.
    pub(super) written: Written,
    /// Where it looks rows up.
    pub(crate) store: Store,
    pub(crate) config: Arc<Config>,
}

/// A person or an agent.
#[derive(Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Who {
    Person(Arc<User>),
    Agent(Arc<Agent>),
}

impl Principal {
    /// A record of what it did.
    pub fn entry(&self, action: Action, detail: impl Into<String>) -> Record {
        let actor = match self.who {
            Who::Person(_) => ActorKind::User,
            Who::Agent(_) => ActorKind::AiAgent,
        };
        let origin = Origin::of(&self.in_vault, &self.config.plans, actor, Some(self.address), self.now);
        let record = Record { written: self.written.clone(), ..origin.entry(action, detail) };
        match &self.who {
            Who::Person(user) => record.person(user.id),
            Who::Agent(agent) => record.agent(agent.id),
        }
    }

    /// Asks for a proof of the last five minutes, for what makes a reader or destroys: a session that was stolen, or left
    /// open, is not enough for that. Agents have no step-up, their scopes stand for it; and the owner can switch it off.
    pub fn step_up(&self) -> Result<(), Error> {
        if self.fresh || self.in_vault.step_up_off { Ok(()) } else { Err(Error::step_up_required()) }
    }

    /// Whether this project is among those it may see. One it may not see is answered as if it were not there.
    pub fn reaches(&self, project: ProjectId) -> bool {
        match &self.who {
            Who::Person(_) => true,
            Who::Agent(agent) => agent.projects.as_ref().is_none_or(|allowed| allowed.contains(&project)),
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        match &self.who {
            Who::Person(user) => &user.username,
            Who::Agent(agent) => &agent.name,
        }
    }

    /// The person it is, if it is one.
    pub fn person(&self) -> Option<&User> {
        match &self.who {
            Who::Person(user) => Some(user),
            Who::Agent(_) => None,
        }
    }

    /// The agent it is, if it is one.
    pub fn agent(&self) -> Option<&Agent> {
        match &self.who {
            Who::Person(_) => None,
            Who::Agent(agent) => Some(agent),
        }
    }

    /// Whether it is this agent.
    pub fn is_agent(&self, id: AgentId) -> bool {
        self.agent().is_some_and(|agent| agent.id == id)
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let known = parts.extensions.get::<Self>().cloned();
        known.ok_or_else(|| Error::internal("a route of management without its door"))
    }
}
