//! The two doors of management: a person's session at `/v1/manage/…`, an AI agent's signature at `/v1/ai/…`.
//!
//! Behind both stand the same handlers, which see a [`Principal`] and not which door it came through. A route says what
//! it needs once ([`crate::Managed`]); the doors hold callers to it before the handler runs, and see to the records
//! that the handler does not write itself: of what was refused, and of everything an agent called.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::request::Parts;
use protocol::{AgentId, ProjectId, UserId, VaultId};
use rules::Time;
use rules::audit::{Action, ActorKind, Origin, Record};
use rules::manage_gate::decide;
use rules::nouns::{Agent, User};
use rules::scope::Needs;
use store::meter::{self, Counted};
use store::{Batch, Signer, Store, agent, lockout};

use crate::error::Told;
use crate::settle::Settling;
use crate::{Base, Error, Sessions, SignedRequest};

/// Most characters of a path in a record.
const PATH_SHOWN: usize = 200;

/// Who manages: a signed-in person in the vault they chose, or an approved and enabled AI agent in its own.
#[derive(Clone)]
pub struct Principal {
    /// The vault it acts in.
    pub vault: VaultId,
    /// The owner of that vault.
    pub owner: UserId,
    /// Where it is.
    pub address: IpAddr,
    /// When it asked.
    pub now: Time,
    /// Who it is.
    pub who: Who,
    /// Where it looks rows up.
    pub(crate) store: Store,
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
        let origin = Origin { vault: self.vault, owner: self.owner, actor, address: Some(self.address), at: self.now };
        let record = origin.entry(action, detail);
        match &self.who {
            Who::Person(_) => record,
            Who::Agent(agent) => record.agent(agent.id),
        }
    }

    /// Whether this project is among those it may see. One it may not see is answered as if it were not there.
    pub fn reaches(&self, project: ProjectId) -> bool {
        match &self.who {
            Who::Person(_) => true,
            Who::Agent(agent) => agent.projects.as_ref().is_none_or(|allowed| allowed.contains(&project)),
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

/// What it takes to know who manages.
#[derive(Clone)]
pub(crate) struct Door {
    settling: Settling,
    sessions: Sessions,
}

impl Door {
    pub(crate) fn new(base: &Base) -> Self {
        Self { settling: Settling::new(base), sessions: Sessions::new(base) }
    }
}

/// What a door knows of the route behind it.
pub(crate) type Behind = State<(Door, Needs)>;

/// The door of people. A person in their own vault may do everything in it.
pub(crate) async fn for_people(State((door, needs)): Behind, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let person = match door.sessions.person(&parts).await {
        Ok(person) => person,
        Err(error) => return error.into_response(),
    };
    let principal = Principal {
        vault: person.vault,
        owner: person.owner(),
        address: person.address,
        now: person.now,
        who: Who::Person(Arc::new(person.user)),
        store: door.settling.store.clone(),
    };
    door.pass(principal, needs, parts, body, next).await
}

/// The door of AI agents.
pub(crate) async fn for_agents(State((door, needs)): Behind, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let admitted = async {
        let signed = SignedRequest::of_agent(&parts, body).await?;
        let principal = door.admit(&signed, needs, &parts).await?;
        Ok::<_, Error>((principal, Bytes::from_owner(signed.body)))
    };
    match admitted.await {
        Ok((principal, body)) => door.pass(principal, needs, parts, body.into(), next).await,
        Err(error) => error.into_response(),
    }
}

/// What was called, for a record.
fn called(parts: &Parts) -> String {
    let path: String = parts.uri.path().chars().take(PATH_SHOWN).collect();
    format!("{} {path}", parts.method)
}

impl Door {
    /// The agent that signed this request, if it may call a route that needs this; its nonce is taken. Where the route
    /// only looks, the nonce's row is the record of the call.
    async fn admit(&self, request: &SignedRequest<AgentId>, needs: Needs, parts: &Parts) -> Result<Principal, Error> {
        let id = request.headers.identity;
        let (agent_key, lockout_key) = (agent::row(id), lockout::row(request.address));
        let mut batch = Batch::new();
        batch.want(&agent_key);
        batch.want(&lockout_key);
        let mut fetched = self.settling.store.fetch(batch).await?;
        let (agent, known) = (fetched.take(&agent_key)?.map(Arc::new), fetched.take(&lockout_key)?);
        let now = self.settling.clock.now();
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
            store: self.settling.store.clone(),
        });
        let record = |action, detail: String| principal.as_ref().map(|principal| principal.entry(action, detail));
        let own = match verdict {
            Ok(()) if needs.reads() => record(Action::AgentAccess, called(parts)),
            Ok(()) => None,
            Err(refusal) => record(Action::RequestDenied, format!("{}: {refusal}", called(parts))),
        };
        let failure = |reason: &str| record(Action::AuthFailure, reason.to_owned());
        self.settling.settle(request, Signer::Agent(id), verdict, own, failure, now).await?;
        principal.ok_or_else(|| Error::internal("an admitted agent that nobody knows"))
    }

    /// Lets the handler answer, and writes the record that it has not written: of a refusal, or of a call of an agent
    /// that changed nothing. Without it there is no answer.
    async fn pass(
        &self,
        principal: Principal,
        needs: Needs,
        mut parts: Parts,
        body: axum::body::Body,
        next: Next,
    ) -> Response {
        let called = called(&parts);
        let params = RawPathParams::from_request_parts(&mut parts, &()).await.ok();
        parts.extensions.insert(principal.clone());
        let before = meter::counted(Counted::Record);
        let response = next.run(Request::from_parts(parts, body)).await;
        let by_agent = principal.agent().is_some();
        let record = match response.status().as_u16() {
            403 | 404 => Some(principal.entry(Action::RequestDenied, refused(&called, &response))),
            400..500 => Some(principal.entry(Action::RequestInvalid, refused(&called, &response))),
            // It is not known what came of it; the answer stays what it is even if this cannot be written.
            500.. if by_agent => {
                let failed = principal.entry(Action::RequestInvalid, refused(&called, &response));
                if let Err(error) = self.settling.audit.record(&about(failed, params.as_ref())).await {
                    tracing::error!(%error, "a failed call of an agent was not recorded");
                }
                None
            }
            200..300 if by_agent && !needs.reads() && meter::counted(Counted::Record) == before => {
                // A route that only looks was recorded with its nonce; this one might have changed something.
                Some(principal.entry(Action::AgentAccess, called))
            }
            _ => None,
        };
        match record {
            None => response,
            Some(record) => match self.settling.audit.record(&about(record, params.as_ref())).await {
                Ok(()) => response,
                Err(error) => Error::from(error).into_response(),
            },
        }
    }
}

fn refused(called: &str, response: &Response) -> String {
    let told = response.extensions().get::<Told>();
    // Of an error of ours the inside is for the operator's log alone: it can name what is behind us.
    let ours = response.status().is_server_error();
    let why = told.map_or("refused", |told| told.inside.as_deref().filter(|_| !ours).unwrap_or(&told.outside));
    format!("{called}: {} {why}", response.status().as_u16())
}

/// A record with the ids that the path names.
fn about(record: Record, params: Option<&RawPathParams>) -> Record {
    params.into_iter().flatten().fold(record, |record, (name, text)| match name {
        "projectId" => text.parse().map_or(record.clone(), |id| record.project(id)),
        "secretId" => text.parse().map_or(record.clone(), |id| record.secret(id)),
        "machineId" => text.parse().map_or(record.clone(), |id| record.machine(id)),
        _ => record,
    })
}
