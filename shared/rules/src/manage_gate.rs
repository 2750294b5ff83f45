//! The gate of management for AI agents: whether a request is an agent's own, and whether the agent may act.
//!
//! The vault's IP allowlist does not apply to agents; the lockout does (decisions 13).

use crate::Time;
use crate::nouns::Agent;
use crate::scope::{Needs, Scope};
use crate::signer::{self, Claim, Kind, Known, Refused};

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
pub fn decide<'a>(claim: &Claim<'_>, agent: &Known<'a, Agent>, needs: Needs, now: Time) -> Result<&'a Agent, Refusal> {
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
        let verdict = |known: Known<'_, Agent>, text: &[u8], seconds: u64, needs| {
            let claim = Claim { signed_text: text, signature: &signature, timestamp_seconds: seconds };
            decide(&claim, &known, needs, NOW).map(|agent| agent.id)
        };
        let seconds = NOW.seconds();
        let there = Known::There;
        assert_eq!(verdict(there(&good), b"text", seconds, needs), Ok(good.id));
        assert_eq!(verdict(there(&good), b"text", seconds - 300, Needs::Nothing), Ok(good.id));
        let refused = |refusal: signer::Refusal| Err(refusal.into());
        let nobody = verdict(Known::Nobody, b"text", seconds, needs);
        assert_eq!(nobody, refused(signer::Refusal::Unknown(Kind::Agent)));
        assert_eq!(verdict(there(&good), b"other", 0, needs), refused(signer::Refusal::BadSignature));
        let tombstone = good.tombstone(NOW);
        let removed = |at| Known::of(None, Some(&tombstone), at);
        assert_eq!(verdict(removed(NOW), b"text", 0, needs), refused(signer::Refusal::Removed(Kind::Agent)));
        assert_eq!(verdict(removed(NOW), b"other", 0, needs), refused(signer::Refusal::BadSignature));
        assert!(matches!(removed(tombstone.ends_at()), Known::Nobody));
        assert_eq!(verdict(there(&good), b"text", seconds + 301, needs), refused(signer::Refusal::StaleTimestamp));
        let pending = Agent { approved: false, enabled: false, ..good.clone() };
        assert_eq!(verdict(there(&pending), b"other", seconds, needs), refused(signer::Refusal::BadSignature));
        assert_eq!(verdict(there(&pending), b"text", seconds, needs), refused(signer::Refusal::Pending(Kind::Agent)));
        let disabled = Agent { enabled: false, scopes: BTreeSet::new(), ..good.clone() };
        assert_eq!(verdict(there(&disabled), b"text", seconds, needs), refused(signer::Refusal::Disabled(Kind::Agent)));
        // A write scope does not include its read scope.
        let other = agent(&key, &[Scope::ProjectsWrite, Scope::SecretsRead]);
        let missing = Refusal::ScopeMissing(Scope::ProjectsRead);
        assert_eq!(verdict(there(&other), b"text", seconds, needs), Err(missing));
        assert_eq!(missing.to_string(), "This needs the scope projects.read");
        let all = agent(&key, Scope::ALL);
        let person = verdict(there(&all), b"text", seconds, Needs::Person);
        assert_eq!(person, refused(signer::Refusal::Unknown(Kind::Agent)));
    }
}
