//! The gate of management for AI agents: whether a request is an agent's own, and whether the agent may act.
//!
//! The vault's IP allowlist does not apply to agents; the lockout does (decisions 13).

use crate::Time;
use crate::nouns::Agent;
use crate::scope::{Needs, Scope};
use crate::signer::{self, Claim, Kind, Refused};

/// Why a request is refused, in the order in which the reasons are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Who signed may not act.
    #[error(transparent)]
    Signer(#[from] signer::Refusal),
    /// The agent does not hold the scope.
    #[error("This needs the scope {}", .0.name())]
    ScopeMissing(Scope),
}

impl Refused for Refusal {
    fn of_signer(self) -> Option<signer::Refusal> {
        match self {
            Self::Signer(refusal) => Some(refusal),
            Self::ScopeMissing(_) => None,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Signer(refusal) => refusal.reason(),
            Self::ScopeMissing(_) => "scope missing",
        }
    }
}

/// Whether this agent may call a route that needs this, now.
pub fn decide<'a>(claim: &Claim<'_>, agent: Option<&'a Agent>, needs: Needs, now: Time) -> Result<&'a Agent, Refusal> {
    let agent = signer::authenticate(claim, agent, || true, now)?;
    match needs {
        Needs::Nothing => Ok(agent),
        Needs::Scope(scope) if agent.scopes.contains(&scope) => Ok(agent),
        Needs::Scope(scope) => Err(Refusal::ScopeMissing(scope)),
        // There is no such route for agents; if there were, none would be let in.
        Needs::Person => Err(signer::Refusal::Unknown(Kind::Agent).into()),
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
            let claim =
                Claim { locked_until: locked, signed_text: text, signature: &signature, timestamp_seconds: seconds };
            decide(&claim, agent, needs, NOW).map(|agent| agent.id)
        };
        let seconds = NOW.seconds();
        assert_eq!(verdict(Some(&good), None, b"text", seconds, needs), Ok(good.id));
        assert_eq!(verdict(Some(&good), None, b"text", seconds - 300, Needs::Nothing), Ok(good.id));
        assert_eq!(verdict(Some(&good), Some(NOW), b"text", seconds, needs), Ok(good.id), "over at this moment");
        let until = NOW.plus_seconds(1);
        assert_eq!(
            verdict(None, Some(until), b"text", seconds, needs),
            Err(signer::Refusal::SourceLocked(until).into())
        );
        assert_eq!(verdict(None, None, b"text", 0, needs), Err(signer::Refusal::Unknown(Kind::Agent).into()));
        assert_eq!(
            verdict(Some(&good), None, b"other", seconds + 301, needs),
            Err(signer::Refusal::StaleTimestamp.into())
        );
        let pending = Agent { approved: false, enabled: false, ..good.clone() };
        assert_eq!(verdict(Some(&pending), None, b"other", seconds, needs), Err(signer::Refusal::BadSignature.into()));
        assert_eq!(
            verdict(Some(&pending), None, b"text", seconds, needs),
            Err(signer::Refusal::Pending(Kind::Agent).into())
        );
        let disabled = Agent { enabled: false, scopes: BTreeSet::new(), ..good.clone() };
        assert_eq!(
            verdict(Some(&disabled), None, b"text", seconds, needs),
            Err(signer::Refusal::Disabled(Kind::Agent).into())
        );
        // A write scope does not include its read scope.
        let other = agent(&key, &[Scope::ProjectsWrite, Scope::SecretsRead]);
        let missing = Refusal::ScopeMissing(Scope::ProjectsRead);
        assert_eq!(verdict(Some(&other), None, b"text", seconds, needs), Err(missing));
        assert_eq!(missing.to_string(), "This needs the scope projects.read");
        let all = agent(&key, Scope::ALL);
        assert_eq!(
            verdict(Some(&all), None, b"text", seconds, Needs::Person),
            Err(signer::Refusal::Unknown(Kind::Agent).into())
        );
    }
}
