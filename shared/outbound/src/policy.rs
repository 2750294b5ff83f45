//! Which URLs are taken at all.

use std::net::IpAddr;
use std::time::Duration;

use url::{Host, Url};

use crate::address::is_public;

/// The port of https.
const HTTPS: u16 = 443;

/// A URL or an address that nothing is sent to. The text says what would be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum Refused {
    #[error("must be a URL such as https://example.org/hooks")]
    Malformed,
    #[error("must begin with https://")]
    Scheme,
    #[error("must have no user name and no password in it")]
    User,
    #[error("must have port {0}")]
    Port(String),
    #[error("must not be this deployment's own address")]
    Own,
    #[error("must lead to public addresses only")]
    NotPublic,
    #[error("must have a host that can be found")]
    NoSuchHost,
}

/// What is taken.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Longest that a request may take, from resolving the name to the answer's status.
    pub timeout: Duration,
    /// Ports beside 443.
    pub ports: Vec<u16>,
    /// Hosts that are our own.
    pub own_hosts: Vec<String>,
    /// Whether this computer is taken too, by http and at any port. For trying out.
    pub loopback: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), ports: vec![], own_hosts: vec![], loopback: false }
    }
}

/// A URL that passed. Its host's addresses have not been looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(pub(crate) Url);

impl Policy {
    /// Looks at a URL.
    pub fn target(&self, url: &str) -> Result<Target, Refused> {
        let url = Url::parse(url).map_err(|_| Refused::Malformed)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::User);
        }
        // The parser writes 127.1, 0x7f000001 and 2130706433 as the address that they are.
        let (name, address): (String, Option<IpAddr>) = match url.host() {
            Some(Host::Domain(name)) => (name.trim_end_matches('.').to_ascii_lowercase(), None),
            Some(Host::Ipv4(address)) => (address.to_string(), Some(address.into())),
            Some(Host::Ipv6(address)) => (address.to_string(), Some(address.into())),
            None => return Err(Refused::Malformed),
        };
        if self.loopback && (name == "localhost" || address.is_some_and(|address| address.is_loopback())) {
            return if matches!(url.scheme(), "http" | "https") { Ok(Target(url)) } else { Err(Refused::Scheme) };
        }
        if url.scheme() != "https" {
            return Err(Refused::Scheme);
        }
        let port = url.port_or_known_default().unwrap_or(HTTPS);
        if port != HTTPS && !self.ports.contains(&port) {
            let ports: Vec<String> =
                std::iter::once(HTTPS).chain(self.ports.iter().copied()).map(|p| p.to_string()).collect();
            return Err(Refused::Port(ports.join(" or ")));
        }
        if self.own_hosts.iter().any(|own| own.trim_end_matches('.').eq_ignore_ascii_case(&name)) {
            return Err(Refused::Own);
        }
        let is_of_this_computer = name == "localhost" || name.ends_with(".localhost");
        if is_of_this_computer || address.is_some_and(|address| !is_public(address)) {
            return Err(Refused::NotPublic);
        }
        Ok(Target(url))
    }

    /// Whether a connection to this address may be made.
    pub(crate) fn takes(&self, address: IpAddr) -> bool {
        is_public(address) || (self.loopback && address.is_loopback())
    }
}
