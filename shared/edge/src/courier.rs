//! The door to `deliver-webhooks`, the one function that reaches the internet.
//!
//! Others ask it to look at an address, or tell it that deliveries wait. They send nothing out themselves.

use async_trait::async_trait;
use rules::nouns::WebhookId;
use serde::{Deserialize, Serialize};

use crate::Error;

/// What `deliver-webhooks` is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "deliver", rename_all = "snake_case")]
pub enum DeliveryRequest {
    /// Everything that is due: the schedule.
    Due,
    /// What waits for these webhooks.
    Now {
        /// The webhooks.
        webhooks: Vec<WebhookId>,
    },
    /// Nothing: whether a webhook may have this address.
    Check {
        /// The address.
        url: String,
    },
}

impl DeliveryRequest {
    /// Its name, for the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Now { .. } => "now",
            Self::Check { .. } => "check",
        }
    }
}

/// `deliver-webhooks`, as the functions have it that may ask for something.
#[async_trait]
pub trait Courier: Send + Sync {
    /// 422 unless a webhook may have this address.
    async fn check(&self, url: &str) -> Result<(), Error>;

    /// Says that deliveries wait for these webhooks. Who says so does not wait; what goes wrong here the schedule mends within
    /// a minute.
    async fn wake(&self, webhooks: Vec<WebhookId>);
}
