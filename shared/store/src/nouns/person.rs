//! People, their addresses, and the deployment's owner.

use protocol::UserId;
use rules::Time;
use rules::nouns::User;
use serde::{Deserialize, Serialize};

use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey};
use crate::engine::table::Table;
use crate::{Lists, StoreError};

/// Leads from an e-mail address to its account, and keeps it from having two.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailAddress {
    /// Lower-case.
    pub email: String,
    /// Whose it is.
    pub user: UserId,
}

/// The first account of the deployment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentOwner {
    /// Whose deployment it is.
    pub user: UserId,
}

/// Key of a person.
#[must_use]
pub fn row(id: UserId) -> RowKey<User> {
    RowKey::new(format!("USER#{id}"), "USER")
}

/// Key of what leads from an address to its person.
#[must_use]
pub fn email_address(email: &str) -> RowKey<EmailAddress> {
    RowKey::new(format!("EMAIL#{email}"), "EMAIL")
}

/// Key of the deployment's owner.
#[must_use]
pub fn deployment_owner() -> RowKey<DeploymentOwner> {
    RowKey::new("DEPLOYMENT", "OWNER")
}

impl Row for User {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "user";
}

impl Put for User {
    fn key(&self) -> RowKey<Self> {
        row(self.id)
    }
}

/// The partition of the credentials that a person has beside a password. It is not the person's own: the functions that only
/// have to know who is signed in have no right on these.
pub(super) fn credentials(user: UserId) -> String {
    format!("CREDENTIAL#{user}")
}

attributes! {
    User {
        PASSWORD_HASH = password_hash "passwordHash": String;
        EMAIL_VERIFIED_AT = email_verified_at "emailVerifiedAt": Option<Time>;
        SESSIONS_SINCE = sessions_since "sessionsSince": Option<Time>;
    }
}

impl Row for EmailAddress {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "e-mail address";
}

impl Put for EmailAddress {
    fn key(&self) -> RowKey<Self> {
        email_address(&self.email)
    }
}

impl Row for DeploymentOwner {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "deployment owner";
}

impl Put for DeploymentOwner {
    fn key(&self) -> RowKey<Self> {
        deployment_owner()
    }
}

impl Lists {
    /// Whether a person is the operator: the owner of the deployment.
    pub async fn is_operator(&self, user: UserId) -> Result<bool, StoreError> {
        Ok(self.get(&deployment_owner()).await?.is_some_and(|owner| owner.user == user))
    }

    /// A person by their address, in two reads whether there is one or not.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<User>, StoreError> {
        // Longer than any address that was taken, so of nobody; and kept out of the key.
        if email.len() > 254 {
            return Ok(None);
        }
        let address = self.get(&email_address(&email.to_lowercase())).await?;
        let nobody = || UserId::from_entropy(crypto::random::bytes());
        self.get(&row(address.map_or_else(nobody, |address| address.user))).await
    }
}
