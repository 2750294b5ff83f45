//! The address a request comes from, as the gateway or the local listener reports it. Headers that clients can write
//! play no part.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::Error;

/// Where a request comes from; put into the request by whatever runs the router. IPv4 in IPv6 clothes is IPv4.
#[derive(Debug, Clone, Copy)]
pub struct SourceAddress(IpAddr);

impl SourceAddress {
    /// An address as the gateway reports it.
    #[must_use]
    pub fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// Of a request.
    pub(crate) fn of(parts: &Parts) -> Result<Self, Error> {
        parts.extensions.get::<Self>().copied().ok_or_else(|| Error::internal("no source address on the request"))
    }

    /// The address.
    pub fn ip(self) -> IpAddr {
        self.0
    }
}

impl<S: Sync> FromRequestParts<S> for SourceAddress {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Self::of(parts)
    }
}
