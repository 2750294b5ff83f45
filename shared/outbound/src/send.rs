//! Resolving and sending.

use std::error::Error as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderMap;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;
use url::Host;

use crate::{Policy, Refused, Target};

/// Finds the addresses of a host.
#[async_trait]
pub trait Names: Send + Sync {
    /// All addresses of this name; an error or none when there are none.
    async fn addresses(&self, name: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The operating system's way.
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A request brought no answer. The texts are shown to whoever chose the address, and say nothing of what is there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum Failed {
    #[error("the URL {0}")]
    Refused(#[from] Refused),
    #[error("no answer in time")]
    TimedOut,
    #[error("no connection, or no certificate that is trusted for this host")]
    NotConnected,
    #[error("the answer was not HTTP, or was cut off")]
    NoAnswer,
}

/// Sends requests under a policy.
#[derive(Clone)]
pub struct Outbound {
    policy: Arc<Policy>,
    names: Arc<dyn Names>,
    client: Client,
}

#[expect(clippy::disallowed_types, reason = "the one place of the server that sends requests to where others choose")]
type Client = reqwest::Client;

/// A name's addresses, if all of them may be connected to.
async fn checked(policy: &Policy, names: &dyn Names, name: &str) -> Result<Vec<IpAddr>, Refused> {
    let addresses = names.addresses(name).await.map_err(|_| Refused::NoSuchHost)?;
    if addresses.is_empty() {
        return Err(Refused::NoSuchHost);
    }
    // One that is not public among others that are is an attempt, or a mistake.
    if addresses.iter().all(|address| policy.takes(*address)) { Ok(addresses) } else { Err(Refused::NotPublic) }
}

/// What the client resolves names by: it connects to what this gives and to nothing else.
struct Checked {
    policy: Arc<Policy>,
    names: Arc<dyn Names>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, names) = (self.policy.clone(), self.names.clone());
        Box::pin(async move {
            let addresses = checked(&policy, &*names, name.as_str()).await?;
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

impl Outbound {
    /// Under this policy, names found this way.
    pub fn new(policy: Policy, names: Arc<dyn Names>) -> Result<Self, reqwest::Error> {
        let policy = Arc::new(policy);
        #[expect(clippy::disallowed_types, reason = "as above")]
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(Checked { policy: policy.clone(), names: names.clone() }))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(0)
            .https_only(!policy.loopback)
            .timeout(policy.timeout)
            .build()?;
        Ok(Self { policy, names, client })
    }

    /// Looks at a URL and at the addresses that its host has now.
    pub async fn check(&self, url: &str) -> Result<Target, Refused> {
        let target = self.policy.target(url)?;
        if let Some(Host::Domain(name)) = target.0.host() {
            let found = tokio::time::timeout(self.policy.timeout, checked(&self.policy, &*self.names, name)).await;
            found.unwrap_or(Err(Refused::NoSuchHost))?;
        }
        Ok(target)
    }

    /// Sends this to a URL, and gives the answer's status. The URL is looked at again: it may be older than the policy.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: String) -> Result<u16, Failed> {
        let Target(url) = self.policy.target(url)?;
        let sent = self.client.post(url).headers(headers).body(body).send().await;
        let answer = sent.map_err(|error| {
            let mut cause = error.source();
            while let Some(inner) = cause {
                if let Some(refused) = inner.downcast_ref::<Refused>() {
                    return Failed::Refused(refused.clone());
                }
                cause = inner.source();
            }
            match () {
                () if error.is_timeout() => Failed::TimedOut,
                () if error.is_connect() => Failed::NotConnected,
                () => Failed::NoAnswer,
            }
        })?;
        // Dropping the answer ends the connection: what else the receiver says is not read.
        Ok(answer.status().as_u16())
    }
}
