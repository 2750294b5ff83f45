//! The accounts table: keys of its rows, and the lists it gives.

use crypto::TokenHash;
use protocol::{PasskeyId, UserId};
use serde::{Deserialize, Serialize};
use vault::people::{Ceremony, MailedLink, Passkey, SecondFactor, Session, User};

use crate::engine::row::Key;
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

/// Where the credentials of a person are that they have beside a password. Not with the person: the functions that
/// only have to know who is signed in have no right on these.
fn credentials(user: UserId) -> String {
    format!("CREDENTIAL#{user}")
}

/// Key of a person's second factor.
#[must_use]
pub fn second_factor(user: UserId) -> Key<SecondFactor> {
    Key::new(credentials(user), "TOTP")
}

/// Key of a passkey.
#[must_use]
pub fn passkey(user: UserId, id: PasskeyId) -> Key<Passkey> {
    Key::new(credentials(user), format!("{PASSKEYS}{id}"))
}

/// Key of a ceremony of a passkey.
#[must_use]
pub fn ceremony(hash: &TokenHash) -> Key<Ceremony> {
    Key::new(format!("CEREMONY#{}", hash.as_str()), "CEREMONY")
}

/// Key of a link that was mailed.
#[must_use]
pub fn mailed_link(hash: &TokenHash) -> Key<MailedLink> {
    Key::new(format!("LINK#{}", hash.as_str()), "LINK")
}

/// What the sort keys of passkeys begin with.
const PASSKEYS: &str = "PASSKEY#";

impl Lists {
    /// A person by their address, in two reads whether there is one or not.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<User>, StoreError> {
        // Longer than any address that was taken, so of nobody; and kept out of the key.
        if email.len() > 254 {
            return Ok(None);
        }
        let address = self.get(&email_address(&email.to_lowercase())).await?;
        let nobody = || UserId::from_entropy(crypto::random::bytes());
        self.get(&user(address.map_or_else(nobody, |address| address.user))).await
    }

    /// A person's second factor, if they have one: an enrollment that no code confirmed is none.
    pub async fn second_factor(&self, user: UserId) -> Result<Option<SecondFactor>, StoreError> {
        let factor = self.get(&second_factor(user)).await?;
        Ok(factor.filter(|factor| factor.confirmed_at.is_some()))
    }

    /// A person's passkeys.
    pub async fn passkeys(&self, user: UserId) -> Result<Vec<Passkey>, StoreError> {
        self.query(credentials(user), PASSKEYS).await
    }

    /// The links that were mailed to a person, those that are no longer good and not dropped yet too.
    pub async fn mailed_links(&self, user: UserId) -> Result<Vec<MailedLink>, StoreError> {
        self.query_owned(format!("USER#{user}"), "LINK#").await
    }

    /// A person's sessions, ended ones that are not dropped yet too.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        self.query_owned(format!("USER#{user}"), "SESSION#").await
    }
}
