//! A signed request, well formed: step 1 of the gates.

use std::marker::PhantomData;
use std::net::IpAddr;

use axum::extract::{FromRequest, Request};
use crypto::sha256;
use http::request::Parts;
use http::{HeaderMap, Method};
use protocol::signing::header;
use protocol::{AgentId, MachineId, SignedHeaders, SigningText};
use rules::signer::Claim;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::body::{self, LARGE, SMALL};
use crate::{Code, Error, SourceAddress};

/// A request whose four headers are there, once each, in shape; whose body is within limits; without a query string.
/// Who signed it, and whether at all, is for a gate to say: [`crate::Gate`] for machines, [`crate::Door`] for agents.
pub struct SignedRequest<Id = MachineId> {
    /// The headers.
    pub headers: SignedHeaders<Id>,
    /// The address the gateway reports.
    pub address: IpAddr,
    method: Method,
    path: String,
    pub(crate) body: Zeroizing<Vec<u8>>,
    http_headers: HeaderMap,
}

impl<Id> SignedRequest<Id> {
    /// The bytes that should have been signed, rebuilt from what arrived.
    #[must_use]
    pub fn signed_text(&self) -> Vec<u8> {
        SigningText {
            method: self.method.as_str(),
            path: &self.path,
            timestamp: self.headers.timestamp.as_str(),
            nonce: self.headers.nonce.as_str(),
            body_sha256: &sha256(&self.body),
        }
        .to_bytes()
    }

    /// What the signer claims by it, for a gate.
    pub(crate) fn claim<'a>(&'a self, signed_text: &'a [u8]) -> Claim<'a> {
        Claim { signed_text, signature: &self.headers.signature, timestamp_seconds: self.headers.timestamp.seconds() }
    }

    /// The last segment of the raw path.
    pub fn last_segment(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    async fn read(
        parts: &Parts,
        body: axum::body::Body,
        limit: usize,
        headers: impl FnOnce(&HeaderMap) -> Result<SignedHeaders<Id>, protocol::MalformedHeader>,
    ) -> Result<Self, Error> {
        if parts.uri.query().is_some() {
            return Err(Error::new(Code::QueryString, "A signed request must not have a query string"));
        }
        let headers =
            headers(&parts.headers).map_err(|malformed| Error::unauthenticated().inside(malformed.to_string()))?;
        Ok(Self {
            headers,
            address: SourceAddress::of(parts)?.ip(),
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            body: body::read(body, limit).await?,
            http_headers: parts.headers.clone(),
        })
    }
}

impl SignedRequest<AgentId> {
    /// A request of an agent, whose id may come in either of two headers.
    pub(crate) async fn of_agent(parts: &Parts, body: axum::body::Body) -> Result<Self, Error> {
        let parse = |headers: &HeaderMap| {
            SignedHeaders::parse(|name| match name {
                header::MACHINE_ID => agent_id(headers),
                name => single(headers, name),
            })
        };
        Self::read(parts, body, LARGE, parse).await
    }
}

/// A signed request whose body is a `T`.
pub struct SignedBody<T> {
    /// The request.
    pub request: SignedRequest,
    body: PhantomData<T>,
}

impl<T: DeserializeOwned> SignedBody<T> {
    /// The body; none counts as `{}`. For after the signer has shown who it is.
    pub fn body(&self) -> Result<T, Error> {
        body::parse(&self.request.http_headers, &self.request.body)
    }
}

impl<S: Send + Sync, T: Send> FromRequest<S> for SignedBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        SignedRequest::from_request(request, state).await.map(|request| Self { request, body: PhantomData })
    }
}

impl<S: Send + Sync> FromRequest<S> for SignedRequest {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        Self::read(&parts, body, SMALL, |headers| SignedHeaders::parse(|name| single(headers, name))).await
    }
}

/// A header's text if it is there exactly once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// The agent's id from `X-Machine-Id`, which the published client sends, or `X-Agent-Id`; from both if they agree.
fn agent_id(headers: &HeaderMap) -> Option<&str> {
    let known = |name| headers.contains_key(name).then(|| single(headers, name));
    match (known(header::MACHINE_ID), known(header::AGENT_ID)) {
        (Some(id), None) | (None, Some(id)) => id,
        (Some(Some(one)), Some(Some(other))) if one.eq_ignore_ascii_case(other) => Some(one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agents_id_is_in_either_header_or_the_same_in_both() {
        let found = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            agent_id(&headers).map(str::to_owned)
        };
        assert_eq!(found(&[("x-machine-id", "a")]), Some("a".into()));
        assert_eq!(found(&[("x-agent-id", "a")]), Some("a".into()));
        assert_eq!(found(&[("x-machine-id", "a"), ("x-agent-id", "A")]), Some("a".into()));
        for pairs in [
            &[][..],
            &[("x-machine-id", "a"), ("x-agent-id", "b")],
            &[("x-machine-id", "a"), ("x-machine-id", "a")],
            &[("x-machine-id", "a"), ("x-machine-id", "a"), ("x-agent-id", "a")],
            &[("x-machine-id", "a"), ("x-agent-id", "a"), ("x-agent-id", "a")],
        ] {
            assert_eq!(found(pairs), None, "{pairs:?}");
        }
    }
}
