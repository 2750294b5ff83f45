//! The two doors of management: a person's session at `/v1/manage/…`, an AI agent's signature at `/v1/ai/…`.
//!
//! Behind both stand the same handlers, which see a [`Principal`] and not which door it came through. A route says what
//! it needs once ([`crate::Managed`]); the doors hold callers to it before the handler runs, and see to the records
//! that the handler does not write itself: of what was refused, and of everything an agent called.

use std::sync::Arc;

use axum::extract::{FromRequestParts as _, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::request::Parts;
use rules::audit::{Action, Record, Written};
use rules::scope::Needs;

use super::agent;
use super::settle::Settling;
use crate::http::error::Told;
use crate::{Base, Error, Principal, Sessions, SignedRequest, Who};

/// Most characters of a path in a record.
const PATH_SHOWN: usize = 200;

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
        in_vault: Arc::new(person.in_vault),
        address: person.address,
        now: person.now,
        fresh: person.session.fresh_until(person.now).is_some(),
        who: Who::Person(Arc::new(person.user)),
        written: Written::watched(),
        store: door.settling.store.clone(),
        config: door.settling.config.clone(),
    };
    door.pass(principal, needs, parts, body, next).await
}

/// The door of AI agents.
pub(crate) async fn for_agents(State((door, needs)): Behind, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let admitted = async {
        let signed = SignedRequest::of_agent(&parts, body).await?;
        let principal = agent::admit(&door.settling, &signed, needs, &called(&parts)).await?;
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
        let response = next.run(Request::from_parts(parts, body)).await;
        let by_agent = principal.agent().is_some();
        let record = match response.status().as_u16() {
            403 | 404 => Some(principal.entry(Action::RequestDenied, refused(&called, &response))),
            // The handler has more to say of it.
            400..500 if response.extensions().get::<Told>().is_some_and(|told| told.is_recorded) => None,
            400..500 => Some(principal.entry(Action::RequestInvalid, refused(&called, &response))),
            // It is not known what came of it; the answer stays what it is even if this cannot be written.
            500.. if by_agent => {
                let failed = principal.entry(Action::RequestInvalid, refused(&called, &response));
                if let Err(error) = self.settling.audit.record(&about(failed, params.as_ref())).await {
                    tracing::error!(%error, "a failed call of an agent was not recorded");
                }
                None
            }
            200..300 if by_agent && !needs.reads() && !principal.written.is_noted() => {
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
