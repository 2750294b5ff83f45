//! Alert mails: which actions bring one, and when each last did.

use protocol::{UserId, VaultId};
use rules::Time;
use rules::audit::Action;
use rules::nouns::{Alerts, SentAlert};

use crate::engine::attribute::attributes;
use crate::engine::row::{Row, RowKey};
use crate::engine::table::Table;
use crate::{Lists, StoreError};

/// Key of a vault's alerts.
#[must_use]
pub fn row(vault: VaultId) -> RowKey<Alerts> {
    RowKey::new(format!("ALERTS#{vault}"), "ALERTS")
}

/// Key of the last mail of an action in a vault.
#[must_use]
pub fn sent(vault: VaultId, action: Action) -> RowKey<SentAlert> {
    RowKey::new(format!("ALERT-MAILS#{vault}"), action.kind().name)
}

impl Row for Alerts {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "alerts";
}

attributes! {
    Alerts {
        VAULT = vault "vault": VaultId;
        ACTIONS = actions "actions": Vec<Action>;
        RECIPIENTS = recipients "recipients": Vec<UserId>;
    }
}

impl Lists {
    /// A vault's alerts; none unless somebody has set them.
    pub async fn alerts(&self, vault: VaultId) -> Result<Alerts, StoreError> {
        Ok(self.get(&row(vault)).await?.unwrap_or_else(|| Alerts::none(vault)))
    }
}

impl Row for SentAlert {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "sent alert";
}

/// Attributes of the last mail of an action.
pub mod of_sent {
    use super::{SentAlert, Time, attributes};

    attributes! {
        SentAlert {
            SENT_AT = sent_at "sentAt": Option<Time>;
            HELD = held "held": u64;
        }
    }
}
