//! Alert mails: which actions a vault's owner is told of, and how many were held back.

use protocol::{UserId, VaultId};
use serde::{Deserialize, Serialize};

use crate::Time;
use crate::audit::Action;

/// Which actions bring a mail, and to whom beside the owner. A vault without the row has none.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alerts {
    /// The vault.
    pub vault: VaultId,
    /// The actions.
    #[serde(default)]
    pub actions: Vec<Action>,
    /// The members who get mails too.
    #[serde(default)]
    pub recipients: Vec<UserId>,
}

impl Alerts {
    /// For this long after a mail the next ones of its action are held back, in seconds.
    pub const QUIET_SECONDS: u64 = 60;

    /// None.
    #[must_use]
    pub fn none(vault: VaultId) -> Self {
        Self { vault, actions: vec![], recipients: vec![] }
    }

    /// Whether this action brings a mail. That a webhook was switched off always does: nobody is told otherwise.
    #[must_use]
    pub fn want(&self, action: Action) -> bool {
        action == Action::WebhookDisable || self.actions.contains(&action)
    }

    /// Whether mails of this action are held back when they are many.
    #[must_use]
    pub fn holds_back(action: Action) -> bool {
        action != Action::CanaryTriggered
    }
}

/// The last mail of an action in a vault, and what has happened since.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentAlert {
    /// When the last mail was sent.
    pub sent_at: Option<Time>,
    /// How often it happened since without a mail.
    #[serde(default)]
    pub held: u64,
}
