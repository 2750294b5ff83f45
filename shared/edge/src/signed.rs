//! A signed request, well formed: step 1 of the gate.

use std::net::IpAddr;

use axum::extract::{FromRequest, Request};
use crypto::sha256;
use http::{HeaderMap, Method};
use protocol::{MachineId, SignedHeaders, SigningText};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::body::{self, SMALL};
use crate::{Error, SourceAddress};

/// A request whose four headers are there, once each, in shape; whose body is within limits; without a query string.
/// Who signed it, and whether at all, is for [`crate::Gate`] to say.
pub struct SignedRequest {
    /// The headers.
    pub headers: SignedHeaders<MachineId>,
    /// The address the gateway reports.
    pub address: IpAddr,
    method: Method,
    path: String,
    body: Zeroizing<Vec<u8>>,
    http_headers: HeaderMap,
}

impl SignedRequest {
    /// The bytes that the machine should have signed, rebuilt from what arrived.
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

    /// The last segment of the raw path.
    pub fn last_segment(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The body as JSON; none counts as `{}`. For after the machine has shown who it is.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        body::parse(&self.http_headers, &self.body)
    }
}

impl<S: Send + Sync> FromRequest<S> for SignedRequest {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        if request.uri().query().is_some() {
            return Err(Error::malformed("A signed request must not have a query string"));
        }
        let http_headers = request.headers().clone();
        let headers = SignedHeaders::parse(|name| single(&http_headers, name))
            .map_err(|malformed| Error::unauthenticated().inside(malformed.to_string()))?;
        let address = request.extensions().get::<SourceAddress>().copied();
        let address = address.ok_or_else(|| Error::internal("no source address on the request"))?.ip();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let body = body::read(request, SMALL).await?;
        Ok(Self { headers, address, method, path, body, http_headers })
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
