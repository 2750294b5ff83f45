//! The door to `seal-secret`, the only writer of values.
//!
//! Functions that people and AI agents can reach hold no right to open a value or to read the values table. They hand
//! plaintext to `seal-secret` through this interface and get metadata back: on AWS by a direct invocation, locally in
//! process. No operation returns a value.

use async_trait::async_trait;
use crypto::{Plaintext, PublicKey, Sealed};
use protocol::{BundleId, SecretId, VaultId};
use vault::audit::Record;
use vault::model::Secret;

use crate::Error;

/// What `seal-secret` does for others.
#[async_trait]
pub trait Seal: Send + Sync {
    /// Writes a new secret with its first version and the record of it.
    async fn create(&self, secret: Secret, value: Plaintext, record: Record) -> Result<(), Error>;

    /// Writes a new version of a secret and the record of it; says which version it is.
    ///
    /// The secret's state is checked in the same transaction: one that was deleted meanwhile is a 404.
    async fn replace(&self, vault: VaultId, secret: SecretId, value: Plaintext, record: Record) -> Result<u64, Error>;

    /// Makes a key pair for a bundle: the public half, and the private key file sealed under the vault's key.
    async fn make_identity(&self, vault: VaultId, bundle: BundleId) -> Result<(PublicKey, Sealed), Error>;
}
