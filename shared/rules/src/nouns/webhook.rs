//! A webhook: an address that is told what is recorded; and what it was told.

use crypto::{PublicKey, Sealed};
use protocol::VaultId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;
use crate::audit::Action;
use crate::owned::owned;

protocol::prefixed_id!(
    /// A webhook.
    WebhookId, "hook_", "webhook id"
);

protocol::uuid_id!(
    /// One record on its way to one webhook.
    DeliveryId, "delivery id"
);

/// Most webhooks in a vault, unless its plan says less.
pub const WEBHOOKS: u64 = 20;

/// An address of a receiver, and which actions it is told of.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The vault whose records it is told.
    pub vault: VaultId,
    /// Where it is.
    pub url: String,
    /// What it is told of.
    pub actions: Vec<Action>,
    /// Whether it is on.
    pub enabled: bool,
    /// When failures switched it off, if they did.
    pub disabled_at: Option<Time>,
    /// Failed deliveries since the last that was taken.
    pub consecutive_failures: u64,
    /// When a delivery was last taken.
    pub last_delivered_at: Option<Time>,
    /// When a delivery last failed for good.
    pub last_failed_at: Option<Time>,
    /// Why.
    pub last_error: Option<String>,
    /// Its signing secret, sealed.
    pub secret: Sealed,
    /// The signing secret before, while both are used.
    pub previous: Option<PreviousSecret>,
    /// When it was made.
    pub created_at: Time,
}

owned!(Webhook "Webhook");

/// A signing secret that is on its way out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreviousSecret {
    /// The secret, sealed.
    pub secret: Sealed,
    /// Until when it signs too.
    pub until: Time,
}

impl Webhook {
    /// Most characters in its URL.
    pub const URL: usize = 2_048;
    /// How many failed deliveries in a row switch it off.
    pub const FAILURES: u64 = 10;
    /// How long the secret before signs too, in seconds.
    pub const OVERLAP_SECONDS: u64 = 86_400;

    /// Whether it is told of this action.
    #[must_use]
    pub fn wants(&self, action: Action) -> bool {
        self.enabled && self.actions.contains(&action)
    }

    /// Its signing secrets, sealed; the newest first.
    pub fn secrets(&self, now: Time) -> impl Iterator<Item = &Sealed> {
        let previous = self.previous.as_ref().filter(|previous| now < previous.until);
        std::iter::once(&self.secret).chain(previous.map(|previous| &previous.secret))
    }
}

/// The key of a vault's signing secrets, wrapped by the server key layer. Made with the first webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WrappedWebhookKey {
    /// The vault.
    pub vault: VaultId,
    /// The key.
    pub key: Sealed,
}

/// The deployment's key pair, with which every delivery is signed. Made with the first webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentKey {
    /// The seed of the private half, wrapped by the server key layer.
    pub key: Sealed,
    /// The public half.
    pub public_key: PublicKey,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It waits for its next attempt.
    Pending,
    /// The receiver took it.
    Delivered,
    /// Its last attempt failed.
    Failed,
}

/// One record on its way to one webhook. It is kept for a while after its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Its id, the same at every attempt.
    pub id: DeliveryId,
    /// Where it goes.
    pub webhook: WebhookId,
    /// What it tells of.
    pub event: Action,
    /// What is sent.
    pub body: String,
    /// What became of it.
    pub status: DeliveryStatus,
    /// Attempts so far.
    pub attempts: u64,
    /// The status of the last answer, if there was one.
    pub response_status: Option<u16>,
    /// Why the last attempt failed, if it did.
    pub error: Option<String>,
    /// How long the last attempt took.
    pub duration_ms: Option<u64>,
    /// When it was put down.
    pub created_at: Time,
    /// When it was last tried.
    pub last_attempt_at: Option<Time>,
    /// When it is tried next.
    pub next_attempt_at: Option<Time>,
}

impl Delivery {
    /// How long one is kept, in days.
    const KEPT_DAYS: u64 = 30;

    /// One that has not been tried.
    #[must_use]
    pub fn new(id: DeliveryId, webhook: WebhookId, event: Action, body: String, now: Time) -> Self {
        Self {
            id,
            webhook,
            event,
            body,
            status: DeliveryStatus::Pending,
            attempts: 0,
            response_status: None,
            error: None,
            duration_ms: None,
            created_at: now,
            last_attempt_at: None,
            next_attempt_at: Some(now),
        }
    }

    /// When it is no longer kept.
    #[must_use]
    pub fn dropped_at(&self) -> Time {
        self.created_at.plus_seconds(Self::KEPT_DAYS * 86_400)
    }
}

/// A delivery that waits for an attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// Where it goes.
    pub webhook: WebhookId,
    /// The delivery.
    pub delivery: DeliveryId,
    /// When that was put down.
    pub created_at: Time,
    /// When it is tried.
    pub due_at: Time,
    /// Somebody asked for this one attempt: it is not repeated, and its failure does not count.
    pub once: bool,
}

/// A webhook that deliveries wait for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// The webhook.
    pub webhook: WebhookId,
    /// Its vault.
    pub vault: VaultId,
    /// Changes with each delivery that is added.
    pub mark: String,
    /// When somebody has to look at it.
    pub due_at: Time,
    /// Until when somebody is at work on it, if nothing stops them.
    pub worked_on_until: Option<Time>,
}

impl Queue {
    /// Whether nobody is at work on it.
    #[must_use]
    pub fn is_free(&self, now: Time) -> bool {
        self.worked_on_until.is_none_or(|until| until <= now)
    }
}
