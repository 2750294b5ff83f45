//! The gate of AI agents: brings the facts, lets `rules::manage_gate` decide, and makes the decision count.

use std::sync::Arc;

use protocol::AgentId;
use rules::audit::{Action, ActorKind, Origin, Written};
use rules::manage_gate::decide;
use rules::nouns::Vault;
use rules::scope::Needs;
use rules::signer::Known;
use store::{Signer, agent, vault};

use super::settle::Settling;
use crate::{Error, Principal, SignedRequest, Who};

/// The agent that signed this request, if it may call a route that needs this; its nonce is taken. Where the route
/// only looks, the nonce's row is the record of the call.
pub(super) async fn admit(
    settling: &Settling,
    request: &SignedRequest<AgentId>,
    needs: Needs,
    called: &str,
) -> Result<Principal, Error> {
    let id = request.headers.identity;
    let agent = settling.store.get(&agent::row(id)).await?.map(Arc::new);
    let tombstone = match &agent {
        Some(_) => None,
        None => settling.store.get(&agent::tombstone(id)).await?,
    };
    let whose = agent.as_ref().map(|agent| agent.vault).or(tombstone.as_ref().map(|tombstone| tombstone.vault));
    let in_vault = match whose {
        Some(vault) => settling.store.get(&vault::row(vault)).await?.map(Arc::new),
        None => None,
    };
    let now = settling.clock.now();
    let signed_text = request.signed_text();
    let known = Known::of(agent.as_deref(), tombstone.as_ref(), now);
    let verdict = decide(&request.claim(&signed_text), &known, needs, now).map(|_| ());
    // As far as it is known who asks.
    let origin =
        |vault: &Vault| Origin::of(vault, &settling.config.plans, ActorKind::AiAgent, Some(request.address), now);
    let removed = tombstone.and(in_vault.as_deref()).map(origin);
    let principal = agent.zip(in_vault).map(|(agent, in_vault)| Principal {
        vault: agent.vault,
        in_vault,
        address: request.address,
        now,
        who: Who::Agent(agent),
        fresh: true,
        written: Written::watched(),
        store: settling.store.clone(),
        config: settling.config.clone(),
    });
    let record = |action, detail: String| principal.as_ref().map(|principal| principal.entry(action, detail));
    let own = match verdict {
        Ok(()) if needs.reads() => record(Action::AgentAccess, called.to_owned()),
        Ok(()) => None,
        Err(refusal) => record(Action::RequestDenied, format!("{called}: {refusal}")),
    };
    let failure = |reason: &str| match &removed {
        Some(origin) => Some(origin.entry(Action::AuthFailure, reason).agent(id)),
        None => record(Action::AuthFailure, reason.to_owned()),
    };
    settling.settle(request, Signer::Agent(id), verdict, own, None, failure, now).await?;
    principal.ok_or_else(|| Error::internal("an admitted agent that nobody knows"))
}
