//! The gate of the agent plane: whether a request is an AI agent's own, and whether the agent may act.
//!
//! The order is that of [`crate::read_gate`], with agents in place of machines. The vault's IP allowlist does not apply
//! to agents; the lockout does (decisions 13).

use protocol::MAX_CLOCK_SKEW_SECONDS;

use crate::Time;
use crate::model::Agent;
use crate::scope::{Needs, Scope};

/// Why a request is refused, in the order in which the reasons are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The source address is locked out until then.
    #[error("Too many failed attempts from this address, try again later")]
    SourceLocked(Time),
    /// No such agent.
    #[error("Authentication failed")]
    UnknownAgent,
    /// The timestamp is too far from our clock.
    #[error("Authentication failed")]
    StaleTimestamp,
    /// The signature does not verify.
    #[error("Authentication failed")]
    BadSignature,
    /// Nobody has approved the agent yet.
    #[error("Agent is not approved yet")]
    AgentPending,
    /// The agent is switched off.
    #[error("Agent is disabled")]
    AgentDisabled,
    /// The agent does not hold the scope.
    #[error("This needs the scope {}", .0.name())]
    ScopeMissing(Scope),
    /// The nonce was used before. Found by the write, not by [`decide`].
    #[error("Authentication failed")]
    Replayed,
}

impl Refusal {
    /// The reason for our records; what the caller is told is the `Display` text.
    pub fn reason(self) -> &'static str {
        match self {
            Self::SourceLocked(_) => "source address locked out",
            Self::UnknownAgent => "unknown agent",
            Self::StaleTimestamp => "timestamp more than 300 s off",
            Self::BadSignature => "signature does not verify",
            Self::AgentPending => "agent not approved",
            Self::AgentDisabled => "agent disabled",
            Self::ScopeMissing(_) => "scope missing",
            Self::Replayed => "nonce used before",
        }
    }

    /// Whether this counts as a failed authentication: a 401, recorded and counted toward the lockout.
    pub fn is_authentication_failure(self) -> bool {
        matches!(self, Self::UnknownAgent | Self::StaleTimestamp | Self::BadSignature | Self::Replayed)
    }

    /// Whether the signature had verified: then the request is the agent's own and burns its nonce.
    pub fn is_signed(self) -> bool {
        matches!(self, Self::AgentPending | Self::AgentDisabled | Self::ScopeMissing(_) | Self::Replayed)
    }
}

/// The facts about who asks.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Until when the source address is locked out.
    pub locked_until: Option<Time>,
    /// The agent named in the request.
    pub agent: Option<&'a Agent>,
    /// The bytes that should have been signed.
    pub signed_text: &'a [u8],
    /// The signature that came.
    pub signature: &'a [u8; 64],
    /// The request's own time, epoch seconds.
    pub timestamp_seconds: u64,
}

/// Whether this agent may call a route that needs this, now.
pub fn decide<'a>(caller: &Caller<'a>, needs: Needs, now: Time) -> Result<&'a Agent, Refusal> {
    if let Some(until) = caller.locked_until.filter(|until| *until > now) {
        return Err(Refusal::SourceLocked(until));
    }
    let agent = caller.agent.ok_or(Refusal::UnknownAgent)?;
    if now.seconds().abs_diff(caller.timestamp_seconds) > MAX_CLOCK_SKEW_SECONDS {
        return Err(Refusal::StaleTimestamp);
    }
    if !agent.public_key.verify(caller.signed_text, caller.signature) {
        return Err(Refusal::BadSignature);
    }
    if !agent.approved {
        return Err(Refusal::AgentPending);
    }
    if !agent.enabled {
        return Err(Refusal::AgentDisabled);
    }
    match needs {
        Needs::Nothing => Ok(agent),
        Needs::Scope(scope) if agent.scopes.contains(&scope) => Ok(agent),
        Needs::Scope(scope) => Err(Refusal::ScopeMissing(scope)),
        // There is no such route for agents; if there were, none would be let in.
        Needs::Person => Err(Refusal::UnknownAgent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::KeyPair;
    use protocol::{AgentId, UserId, VaultId};
    use std::collections::BTreeSet;

    const NOW: Time = Time::from_ms(1_760_000_000_000);

    fn agent(key: &KeyPair, scopes: &[Scope]) -> Agent {
        Agent {
            id: AgentId::from_entropy([1; 16]),
            vault: VaultId::from_entropy([2; 16]),
            owner: UserId::from_entropy([3; 16]),
            name: "helper".into(),
            public_key: key.public(),
            approved: true,
            enabled: true,
            scopes: scopes.iter().copied().collect(),
            projects: None,
            registered_from: None,
            created_at: NOW,
        }
    }

    /// Each condition alone refuses, in the order of the list.
    #[test]
    fn every_condition_refuses_by_itself() {
        let key = KeyPair::make();
        let signature = key.sign(b"text");
        let needs = Needs::Scope(Scope::ProjectsRead);
        let good = agent(&key, &[Scope::ProjectsRead]);
        let verdict = |agent: Option<&Agent>, locked: Option<Time>, text: &[u8], seconds: u64, needs| {
            let caller = Caller {
                locked_until: locked,
                agent,
                signed_text: text,
                signature: &signature,
                timestamp_seconds: seconds,
            };
            decide(&caller, needs, NOW).map(|agent| agent.id)
        };
        let seconds = NOW.seconds();
        assert_eq!(verdict(Some(&good), None, b"text", seconds, needs), Ok(good.id));
        assert_eq!(verdict(Some(&good), None, b"text", seconds - 300, Needs::Nothing), Ok(good.id));
        assert_eq!(verdict(Some(&good), Some(NOW), b"text", seconds, needs), Ok(good.id), "over at this moment");
        let until = NOW.plus_seconds(1);
        assert_eq!(verdict(None, Some(until), b"text", seconds, needs), Err(Refusal::SourceLocked(until)));
        assert_eq!(verdict(None, None, b"text", 0, needs), Err(Refusal::UnknownAgent));
        assert_eq!(verdict(Some(&good), None, b"other", seconds + 301, needs), Err(Refusal::StaleTimestamp));
        let pending = Agent { approved: false, enabled: false, ..good.clone() };
        assert_eq!(verdict(Some(&pending), None, b"other", seconds, needs), Err(Refusal::BadSignature));
        assert_eq!(verdict(Some(&pending), None, b"text", seconds, needs), Err(Refusal::AgentPending));
        let disabled = Agent { enabled: false, scopes: BTreeSet::new(), ..good.clone() };
        assert_eq!(verdict(Some(&disabled), None, b"text", seconds, needs), Err(Refusal::AgentDisabled));
        // A write scope does not include its read scope.
        let other = agent(&key, &[Scope::ProjectsWrite, Scope::SecretsRead]);
        let missing = Refusal::ScopeMissing(Scope::ProjectsRead);
        assert_eq!(verdict(Some(&other), None, b"text", seconds, needs), Err(missing));
        assert_eq!(missing.to_string(), "This needs the scope projects.read");
        let all = agent(&key, Scope::ALL);
        assert_eq!(verdict(Some(&all), None, b"text", seconds, Needs::Person), Err(Refusal::UnknownAgent));
    }
}
