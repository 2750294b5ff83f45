//! The accounts table: keys of its rows, and the lists it gives.

use crypto::TokenHash;
use protocol::UserId;
use serde::{Deserialize, Serialize};
use vault::model::{Session, User};

use crate::item::Key;
use crate::{Store, StoreError};

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
pub fn user(id: UserId) -> Key<User> {
    Key::new(format!("USER#{id}"), "USER")
}

/// Key of what leads from an address to its person.
#[must_use]
pub fn email_address(email: &str) -> Key<EmailAddress> {
    Key::new(format!("EMAIL#{email}"), "EMAIL")
}

/// Key of the deployment's owner.
#[must_use]
pub fn deployment_owner() -> Key<DeploymentOwner> {
    Key::new("DEPLOYMENT", "OWNER")
}

/// Key of a session.
#[must_use]
pub fn session(hash: &TokenHash) -> Key<Session> {
    Key::new(format!("SESSION#{}", hash.as_str()), "SESSION")
}

impl Store {
    /// A person's sessions, ended ones that are not dropped yet too.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        self.query_owned(format!("USER#{user}"), "SESSION#").await
    }
}
