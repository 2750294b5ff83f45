//! Sends webhooks what they are told of: first attempts as soon as somebody says that deliveries wait, later ones by a schedule.
//! It is the one function that reaches the internet, and opens signing secrets and nothing else.
//!
//! Each webhook has a queue of its own, and one run at a time works on a queue. So a receiver that is slow or dead holds up
//! nobody else's deliveries. A delivery is sent at least once: it stays in its queue until the answer is noted, and a run that
//! was cut off between the two leaves it for the next. The order is that in which deliveries are due, several at a time.

mod attempt;
mod queue;
mod standing;

use std::sync::Arc;
use std::time::Duration;

use crypto::{KeyContext, KeyPair};
use edge::{Base, Clock, Config, DeliveryRequest, Error, Origins};
use futures_util::{StreamExt as _, stream};
pub use outbound::{Names, SystemNames};
use outbound::{Outbound, Policy};
use rules::nouns::{DeploymentKey, Queue, WebhookId};
use serde_json::{Value, json};
use store::{KeyRing, Store, webhook};
use tokio::time::Instant;

/// How long one run goes on. The function has 60 seconds, and a last look into a queue, with attempts that all take ten seconds,
/// takes 20.
const RUN: Duration = Duration::from_secs(35);
/// Most queues that one run works on at the same time.
const QUEUES_AT_ONCE: usize = 256;

/// The function.
#[derive(Clone)]
pub struct DeliverWebhooks {
    store: Store,
    clock: Clock,
    keys: KeyRing,
    origins: Origins,
    outbound: Outbound,
}

/// Where webhooks may be, as the deployment is configured.
fn policy(config: &Config) -> Policy {
    // Without the scheme and the port.
    let own = config.url.split("://").nth(1).and_then(|rest| rest.split(':').next()).unwrap_or_default();
    Policy {
        ports: config.webhook_ports.clone(),
        own_hosts: vec![own.to_owned()],
        loopback: config.loopback_webhooks,
        ..Policy::default()
    }
}

impl DeliverWebhooks {
    /// From the base, the keys, and what finds the addresses of hosts.
    pub fn new(base: &Base, keys: KeyRing, names: Arc<dyn Names>) -> Result<Self, String> {
        let outbound = Outbound::new(policy(&base.config), names);
        let outbound = outbound.map_err(|error| format!("no client for webhooks: {error}"))?;
        let (store, clock) = (base.store.clone(), base.clock.clone());
        Ok(Self { store, clock, keys, origins: Origins::new(base), outbound })
    }

    /// Does what was asked for.
    pub async fn answer(&self, request: &DeliveryRequest) -> Result<Value, Error> {
        match request {
            DeliveryRequest::Due => {
                let due = self.store.due_queues(self.clock.now()).await?;
                Ok(json!({ "done": self.run(due).await }))
            }
            DeliveryRequest::Now { webhooks } => {
                let queues: Vec<_> = webhooks.iter().map(|id: &WebhookId| webhook::queue(*id)).collect();
                let mut queues = self.store.get_all(&queues).await?;
                // Whoever is at work on one sees what was added before it is left.
                queues.retain(|queue| queue.is_free(self.clock.now()));
                Ok(json!({ "done": self.run(queues).await }))
            }
            DeliveryRequest::Check { url } => {
                self.outbound.check(url).await.map_err(|refused| Error::invalid("url", refused.to_string()))?;
                // So that its public half can be had before the first delivery.
                self.deployment_key().await?;
                Ok(Value::Null)
            }
        }
    }

    /// Works on queues, each by itself; says how many attempts that were. What goes wrong in one the next run takes up.
    async fn run(&self, queues: Vec<Queue>) -> usize {
        let end = Instant::now() + RUN;
        let work = queues.into_iter().map(|queue| async move {
            let webhook = queue.webhook;
            self.work_on(queue, end).await.unwrap_or_else(|error| {
                tracing::error!(?error, %webhook, "a queue was left; the next run takes it up");
                0
            })
        });
        stream::iter(work).buffer_unordered(QUEUES_AT_ONCE).fold(0, async |sum, attempts| sum + attempts).await
    }

    /// The deployment's key pair, which is made with the first webhook.
    async fn deployment_key(&self) -> Result<KeyPair, Error> {
        let now = self.clock.now();
        let make = async || {
            let key = self.keys.maker().make_wrapped(&KeyContext::Signing).await?;
            let public_key = self.keys.signing_key(&key, now).await?.public();
            Ok::<_, Error>(DeploymentKey { key, public_key })
        };
        let pair = self.store.get_or_put(&webhook::deployment_key(), make).await?;
        Ok(self.keys.signing_key(&pair.key, now).await?)
    }
}
