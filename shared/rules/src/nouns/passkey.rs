//! A person's passkeys, and the ceremonies that register and use them.

use crypto::TokenHash;
use protocol::UserId;
use serde::{Deserialize, Serialize};

use crate::Time;

protocol::uuid_id!(
    /// A passkey of a person.
    PasskeyId, "passkey id"
);

/// A person's passkey (a WebAuthn credential).
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Passkey {
    /// Its id, made from the credential's own.
    pub id: PasskeyId,
    /// Whose it is.
    pub user: UserId,
    /// What they call it.
    pub name: String,
    /// The credential as the WebAuthn library keeps it: JSON with a public key and a counter. Nothing in it is secret.
    pub credential: String,
    /// When it was added.
    pub created_at: Time,
    /// When it last signed in.
    pub last_used_at: Option<Time>,
}

/// A registration of a passkey, or a sign-in with a passkey, that has begun and not ended.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ceremony {
    /// SHA-256 of its token.
    pub hash: TokenHash,
    /// Who registers a passkey; nothing when somebody signs in.
    pub user: Option<UserId>,
    /// What the WebAuthn library has to know at the end, as JSON: the challenge, above all.
    pub state: String,
    /// From then on it is refused.
    pub expires_at: Time,
}

impl Ceremony {
    /// How long one may take, in seconds.
    pub const SECONDS: u64 = 300;
}
