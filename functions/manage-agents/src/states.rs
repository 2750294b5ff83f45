//! `POST ai-agents/{agentId}/approve`, `/deny`, `/disable`, `/enable`, `/revoke`.
//!
//! An agent is pending until it is approved. Deny removes a pending one, revoke an approved one; the wrong one of the two
//! is a 409. Asking for the state it is in changes nothing and is a 200. Each bites at the next call. An agent cannot
//! deny, disable or revoke itself.

use axum::extract::State;
use edge::answer::Done;
use edge::{Approval, Body, Code, Error, Ids, Json, Principal, done};
use protocol::AgentId;
use rules::audit::Action;
use rules::nouns::Agent;
use store::{Attribute, CommitError, agent};

use crate::{App, Touched};

type Answer = Result<Json<Done<Touched>>, Error>;

/// `POST …/approve`: lets a pending agent in; with the fingerprint of its key, only if it has that key.
pub(crate) async fn approve(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<AgentId>,
    Body(body): Body<Approval>,
) -> Answer {
    let agent = by.find(&agent::row(id)).await?;
    body.check(&agent.public_key)?;
    by.step_up()?;
    app.set_flag(&by, id, agent::APPROVED, true, Action::AgentApprove).await
}

/// `POST …/enable`: lets a disabled agent in again.
pub(crate) async fn enable(State(app): State<App>, by: Principal, Ids(id): Ids<AgentId>) -> Answer {
    app.set_flag(&by, id, agent::ENABLED, true, Action::AgentEnable).await
}

/// `POST …/disable`: refuses an agent until it is enabled again.
pub(crate) async fn disable(State(app): State<App>, by: Principal, Ids(id): Ids<AgentId>) -> Answer {
    refuse_oneself(&by, id)?;
    app.set_flag(&by, id, agent::ENABLED, false, Action::AgentDisable).await
}

/// `POST …/deny`: removes a pending agent.
pub(crate) async fn deny(State(app): State<App>, by: Principal, Ids(id): Ids<AgentId>) -> Answer {
    refuse_oneself(&by, id)?;
    app.remove(&by, id, false, Action::AgentDeny, approved_already).await
}

/// `POST …/revoke`: removes an approved agent.
pub(crate) async fn revoke(State(app): State<App>, by: Principal, Ids(id): Ids<AgentId>) -> Answer {
    refuse_oneself(&by, id)?;
    app.remove(&by, id, true, Action::AgentRevoke, pending_still).await
}

fn approved_already() -> Error {
    Error::new(Code::RevokeInstead, "The agent is approved, revoke it instead")
}

fn pending_still() -> Error {
    Error::new(Code::DenyInstead, "The agent is pending, deny it instead")
}

fn refuse_oneself(by: &Principal, id: AgentId) -> Result<(), Error> {
    if by.is_agent(id) {
        return Err(Error::new(Code::OwnIdentity, "An agent cannot deny, disable or revoke itself"));
    }
    Ok(())
}

impl App {
    async fn set_flag(
        &self,
        by: &Principal,
        id: AgentId,
        flag: Attribute<Agent, bool>,
        to: bool,
        action: Action,
    ) -> Answer {
        let agent = by.find(&agent::row(id)).await?;
        let what = match action {
            Action::AgentApprove => "approved",
            Action::AgentEnable => "enabled",
            _ => "disabled",
        };
        let mut write = self.store.transaction();
        let switched = write.change(agent::row(id).change().set(flag, &to).only_if(flag.is_not(&to)));
        write.record(&by.entry(action, format!("AI agent {} ({id}) {what}", agent.name)));
        if !write.commit_unless_refused(switched).await? {
            // It is in that state already, or was removed meanwhile.
            by.find(&agent::row(id)).await?;
        }
        Ok(done(Touched { agent_id: id }))
    }

    async fn remove(
        &self,
        by: &Principal,
        id: AgentId,
        approved: bool,
        action: Action,
        wrong_state: fn() -> Error,
    ) -> Answer {
        let agent = by.find(&agent::row(id)).await?;
        if agent.approved != approved {
            return Err(wrong_state());
        }
        let what = if approved { "revoked" } else { "denied" };
        let record = by.entry(action, format!("AI agent {} ({id}) {what}", agent.name));
        match self.store.remove_agent(&agent, &record).await {
            Ok(()) => Ok(done(Touched { agent_id: id })),
            Err(CommitError::Refused(_)) => {
                // Approved by somebody else meanwhile, or removed.
                by.find(&agent::row(id)).await?;
                Err(wrong_state())
            }
            Err(error) => Err(error.into()),
        }
    }
}
