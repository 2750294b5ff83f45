//! Webhooks, their deliveries, and which of those wait for an attempt.
//!
//! A delivery that waits has three rows: itself, among the deliveries of its webhook; `Waiting`, in the order in which they are
//! due; and one `Queue` for all that wait for a webhook, which is what the schedule looks through. They are put in this
//! order, and whoever works on a queue takes it away only if nothing was added since. So no delivery is forgotten.

use crypto::Sealed;
use protocol::VaultId;
use rules::Time;
use rules::audit::Action;
use rules::nouns::{
    Delivery, DeliveryId, DeliveryStatus, DeploymentKey, PreviousSecret, Queue, Waiting, Webhook, WebhookId,
    WrappedWebhookKey,
};

use crate::engine::attribute::attributes;
use crate::engine::read::all_of;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;
use crate::nouns::expiry::partition;
use crate::{List, Lists, StoreError};

/// The name of the list of queues.
const QUEUES: &str = "DELIVERIES-DUE";

/// Key of a webhook.
#[must_use]
pub fn row(vault: VaultId, id: WebhookId) -> RowKey<Webhook> {
    RowKey::new(format!("WEBHOOKS#{vault}"), format!("WEBHOOK#{id}"))
}

/// A vault's webhooks, in the order in which they were made.
#[must_use]
pub fn of_vault(vault: VaultId) -> List<Webhook> {
    List::owned(format!("VAULT#{vault}"), "WEBHOOK#")
}

/// The same in no order, strongly consistent.
#[must_use]
pub fn told_in(vault: VaultId) -> List<Webhook> {
    List::stored(format!("WEBHOOKS#{vault}"), "WEBHOOK#")
}

/// Key of the key of a vault's signing secrets.
#[must_use]
pub fn key(vault: VaultId) -> RowKey<WrappedWebhookKey> {
    RowKey::new(format!("WEBHOOK-KEY#{vault}"), "KEY")
}

/// Key of the deployment's key pair.
#[must_use]
pub fn deployment_key() -> RowKey<DeploymentKey> {
    RowKey::new("SIGNING-KEY", "KEY")
}

/// Key of a delivery.
#[must_use]
pub fn delivery(webhook: WebhookId, created_at: Time, id: DeliveryId) -> RowKey<Delivery> {
    RowKey::new(format!("DELIVERIES#{webhook}"), format!("DELIVERY#{}#{id}", sortable(created_at)))
}

/// A webhook's deliveries, the oldest first.
#[must_use]
pub fn deliveries(webhook: WebhookId) -> List<Delivery> {
    List::stored(format!("DELIVERIES#{webhook}"), "DELIVERY#")
}

/// The deliveries that wait for a webhook, in the order in which they are due.
#[must_use]
pub fn waiting(webhook: WebhookId) -> List<Waiting> {
    List::stored(format!("WAITING#{webhook}"), "AT#")
}

/// Key of the queue of a webhook.
#[must_use]
pub fn queue(webhook: WebhookId) -> RowKey<Queue> {
    let webhook = webhook.to_string();
    RowKey::new(partition(QUEUES, &webhook), webhook)
}

impl Row for Webhook {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "webhook";
}

impl Put for Webhook {
    fn key(&self) -> RowKey<Self> {
        row(self.vault, self.id)
    }

    fn owner(&self) -> Option<(String, String)> {
        Some((format!("VAULT#{}", self.vault), format!("WEBHOOK#{}#{}", sortable(self.created_at), self.id)))
    }
}

attributes! {
    Webhook {
        URL = url "url": String;
        ACTIONS = actions "actions": Vec<Action>;
        ENABLED = enabled "enabled": bool;
        DISABLED_AT = disabled_at "disabledAt": Option<Time>;
        FAILURES = consecutive_failures "consecutiveFailures": u64;
        LAST_DELIVERED_AT = last_delivered_at "lastDeliveredAt": Option<Time>;
        LAST_FAILED_AT = last_failed_at "lastFailedAt": Option<Time>;
        LAST_ERROR = last_error "lastError": Option<String>;
        SECRET = secret "secret": Sealed;
        PREVIOUS = previous "previous": Option<PreviousSecret>;
    }
}

impl Row for WrappedWebhookKey {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "key of signing secrets";
}

impl Put for WrappedWebhookKey {
    fn key(&self) -> RowKey<Self> {
        key(self.vault)
    }
}

/// The attribute `key` of the key of a vault's signing secrets.
pub mod of_key {
    use crypto::Sealed;

    use super::{WrappedWebhookKey, attributes};

    attributes! {
        WrappedWebhookKey {
            KEY = key "key": Sealed;
        }
    }
}

impl Row for DeploymentKey {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "the deployment's key pair";
}

impl Put for DeploymentKey {
    fn key(&self) -> RowKey<Self> {
        deployment_key()
    }
}

/// The attribute `key` of the deployment's key pair.
pub mod of_deployment {
    use crypto::Sealed;

    use super::{DeploymentKey, attributes};

    attributes! {
        DeploymentKey {
            KEY = key "key": Sealed;
        }
    }
}

impl Row for Delivery {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "delivery";
}

impl Put for Delivery {
    fn key(&self) -> RowKey<Self> {
        delivery(self.webhook, self.created_at, self.id)
    }

    fn drop_after(&self) -> Option<Time> {
        Some(self.dropped_at())
    }
}

/// Attributes of deliveries.
pub mod of_delivery {
    use super::{Delivery, DeliveryStatus, Time, attributes};

    attributes! {
        Delivery {
            STATUS = status "status": DeliveryStatus;
            ATTEMPTS = attempts "attempts": u64;
            RESPONSE_STATUS = response_status "responseStatus": Option<u16>;
            ERROR = error "error": Option<String>;
            DURATION_MS = duration_ms "durationMs": Option<u64>;
            LAST_ATTEMPT_AT = last_attempt_at "lastAttemptAt": Option<Time>;
            NEXT_ATTEMPT_AT = next_attempt_at "nextAttemptAt": Option<Time>;
        }
    }
}

impl Row for Waiting {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "delivery that waits";
}

impl Put for Waiting {
    fn key(&self) -> RowKey<Self> {
        let once = if self.once { "#once" } else { "" };
        let due = sortable(self.due_at);
        RowKey::new(format!("WAITING#{}", self.webhook), format!("AT#{due}#{}{once}", self.delivery))
    }
}

impl Row for Queue {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "queue of a webhook";
}

impl Put for Queue {
    fn key(&self) -> RowKey<Self> {
        queue(self.webhook)
    }
}

/// Attributes of queues.
pub mod of_queue {
    use super::{Queue, Time, VaultId, WebhookId, attributes};

    attributes! {
        Queue {
            WEBHOOK = webhook "webhook": WebhookId;
            VAULT = vault "vault": VaultId;
            MARK = mark "mark": String;
            DUE_AT = due_at "dueAt": Time;
            WORKED_ON_UNTIL = worked_on_until "workedOnUntil": Option<Time>;
        }
    }
}

/// The attempt that a new delivery waits for.
#[must_use]
pub fn first_attempt(delivery: &Delivery, once: bool) -> Waiting {
    let Delivery { id, webhook, created_at, .. } = *delivery;
    Waiting { webhook, delivery: id, created_at, due_at: created_at, once }
}

impl Lists {
    /// Puts deliveries down for their first attempts. Those that are there already stay as they are.
    pub async fn put_deliveries(&self, deliveries: Vec<Delivery>) -> Result<(), StoreError> {
        let puts = deliveries.into_iter().map(|delivery| {
            let store = self.clone();
            async move {
                store.put_new(&delivery).await?;
                // Again for one that was there: whoever put it may have been cut off. If it was tried since, this is nothing.
                store.put(&first_attempt(&delivery, false)).await
            }
        });
        all_of(puts).await
    }

    /// Has somebody look at what waits for these webhooks. It comes after what is to wait was put.
    pub async fn put_queues(&self, vault: VaultId, webhooks: &[WebhookId], due_at: Time) -> Result<(), StoreError> {
        let puts = webhooks.iter().copied().map(|webhook| {
            let store = self.clone();
            async move {
                let mark = hex::encode(crypto::random::bytes::<8>());
                let change = queue(webhook).upsert();
                let change = change.set(of_queue::WEBHOOK, &webhook).set(of_queue::VAULT, &vault);
                store.change_if(change.set(of_queue::MARK, &mark).set(of_queue::DUE_AT, &due_at)).await.map(drop)
            }
        });
        all_of(puts).await
    }

    /// The queues that somebody has to look at by now.
    pub async fn due_queues(&self, now: Time) -> Result<Vec<Queue>, StoreError> {
        let mut queues: Vec<Queue> = self.whole(QUEUES).await?;
        queues.retain(|queue| queue.due_at <= now && queue.is_free(now));
        Ok(queues)
    }
}
