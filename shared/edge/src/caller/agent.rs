//! The gate of AI agents: brings the facts, lets `rules::manage_gate` decide, and makes the decision count.

use std::sync::Arc;

use protocol::AgentId;
use rules::audit::{Action, Written};
use rules::manage_gate::decide;
use rules::scope::Needs;
use store::{Batch, Signer, agent, lockout};

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
    let (agent_key, lockout_key) = (agent::row(id), lockout::row(request.address));
    let mut batch = Batch::new();
    batch.want(&agent_key);
    batch.want(&lockout_key);
    let mut fetched = settling.store.fetch(batch).await?;
    let (agent, known) = (fetched.take(&agent_key)?.map(Arc::new), fetched.take(&lockout_key)?);
    let now = settling.clock.now();
    let signed_text = request.signed_text();
    let claim = request.claim(known.as_ref(), &signed_text);
    let verdict = decide(&claim, agent.as_deref(), needs, now).map(|_| ());
    // As far as it is known who asks.
    let principal = agent.map(|agent| Principal {
        vault: agent.vault,
        owner: agent.owner,
        address: request.address,
        now,
        who: Who::Agent(agent),
        written: Written::watched(),
        store: settling.store.clone(),
    });
    let record = |action, detail: String| principal.as_ref().map(|principal| principal.entry(action, detail));
    let own = match verdict {
        Ok(()) if needs.reads() => record(Action::AgentAccess, called.to_owned()),
        Ok(()) => None,
        Err(refusal) => record(Action::RequestDenied, format!("{called}: {refusal}")),
    };
    let failure = |reason: &str| record(Action::AuthFailure, reason.to_owned());
    settling.settle(request, Signer::Agent(id), verdict, own, failure, now).await?;
    principal.ok_or_else(|| Error::internal("an admitted agent that nobody knows"))
}
