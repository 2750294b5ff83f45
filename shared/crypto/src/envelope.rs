//! Three layers of envelope encryption.
//!
//! | layer | key | protects | bound as associated data |
//! |---|---|---|---|
//! | 1 | [`DataKey`], new for every version | the value | secret id |
//! | 2 | [`MasterKey`] of the project | the data key | project id, secret id, version |
//! | 3 | the server key: KMS, or [`ServerKey`] locally | the master key | purpose, vault id, project id |
//!
//! [`VaultKey`] stands beside the master keys for what belongs to a vault and not to a project (keys in bundles that
//! wait for their download); its associated data is what the text is for and whose it is. [`ShareKey`] stands there for
//! the values of a project's share links; its associated data is [`SharePlace`]. [`WebhookKey`] seals the signing secrets
//! of a vault's webhooks, each for its webhook. Every associated data begins with a label of its own, so that a text made for
//! one use never opens in another.
//!
//! Format 1, the only one: one format byte `0x01`, a 12-byte IV from the operating system, the AES-256-GCM
//! ciphertext, its 16-byte tag.

use std::fmt;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use protocol::{ProjectId, SecretId, VaultId};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{Plaintext, random};

const FORMAT: u8 = 1;
const IV_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// What sealing adds to a text, in bytes.
pub const OVERHEAD_BYTES: usize = 1 + IV_BYTES + TAG_BYTES;

/// A sealed text does not open: it was changed, cut, moved, or sealed under another key. Which, nobody can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed text does not open")]
pub struct OpenError;

/// A sealed text as it is stored. Safe to store, to log the length of, and to move; useless without its key and place.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(#[serde(with = "serde_bytes")] Vec<u8>);

impl Sealed {
    /// From stored bytes; what they are shows when they are opened.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The stored bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The size of the text inside, in bytes.
    pub fn plaintext_len(&self) -> usize {
        self.0.len().saturating_sub(OVERHEAD_BYTES)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Associated data: a label and parts, separated by NUL, which occurs in none of them.
fn associated(label: &str, parts: &[&dyn fmt::Display]) -> Vec<u8> {
    let mut text = format!("sikkerkey:{label}");
    for part in parts {
        text.push('\0');
        text.push_str(&part.to_string());
    }
    text.into_bytes()
}

#[expect(clippy::expect_used, reason = "fails only above 64 GiB, and every input here has a limit")]
fn seal(key: &[u8; 32], text: &[u8], aad: &[u8]) -> Sealed {
    let iv: [u8; IV_BYTES] = random::bytes();
    let body = Aes256Gcm::new(key.into()).encrypt(&iv.into(), Payload { msg: text, aad }).expect("a bounded text");
    let mut bytes = Vec::with_capacity(1 + IV_BYTES + body.len());
    bytes.push(FORMAT);
    bytes.extend_from_slice(&iv);
    bytes.extend_from_slice(&body);
    Sealed(bytes)
}

fn open(key: &[u8; 32], sealed: &Sealed, aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (&format, rest) = sealed.0.split_first().ok_or(OpenError)?;
    let (iv, body) = rest.split_first_chunk::<IV_BYTES>().ok_or(OpenError)?;
    if format != FORMAT {
        return Err(OpenError);
    }
    let text = Aes256Gcm::new(key.into()).decrypt(&(*iv).into(), Payload { msg: body, aad }).map_err(|_| OpenError)?;
    Ok(Zeroizing::new(text))
}

fn open_key(key: &[u8; 32], sealed: &Sealed, aad: &[u8]) -> Result<[u8; 32], OpenError> {
    open(key, sealed, aad)?.as_slice().try_into().map_err(|_| OpenError)
}

macro_rules! key_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Zeroize, ZeroizeOnDrop)]
        pub struct $name([u8; 32]);

        impl $name {
            /// A new one from the operating system's random source.
            #[must_use]
            pub fn make() -> Self {
                Self(random::bytes())
            }

            /// From unwrapped bytes.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }
        }
    };
}

key_type!(
    /// Layer 1: encrypts one version of one secret. Lives for one sealing or opening.
    DataKey
);
key_type!(
    /// Layer 2: a project's own key. Wraps the data keys of its secrets.
    MasterKey
);
key_type!(
    /// A vault's own key, for what belongs to no project.
    VaultKey
);
key_type!(
    /// Layer 2 of share links: a project's key for them, and for nothing else.
    ShareKey
);
key_type!(
    /// A vault's key for the signing secrets of its webhooks, and for nothing else.
    WebhookKey
);
key_type!(
    /// Layer 3 in local mode: wraps the keys of projects and vaults. On AWS a KMS key does this.
    ServerKey
);

/// Where a value lives. A value sealed for one place opens in no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValuePlace {
    /// The secret's project.
    pub project: ProjectId,
    /// The secret.
    pub secret: SecretId,
    /// Its version, from 1.
    pub version: u64,
}

impl ValuePlace {
    fn data_key_aad(&self) -> Vec<u8> {
        associated("data-key", &[&self.project, &self.secret, &self.version])
    }

    fn value_aad(&self) -> Vec<u8> {
        associated("value", &[&self.secret])
    }
}

/// Which share link a value belongs to, when that ends, and which passphrase opens it. A link whose end or passphrase was
/// changed does not open.
#[derive(Clone, Copy)]
pub struct SharePlace<'a> {
    /// The link's project.
    pub project: ProjectId,
    /// The link's id.
    pub link: &'a dyn fmt::Display,
    /// When it ends, epoch milliseconds.
    pub ends_at: u64,
    /// The hash of its passphrase.
    pub passphrase_hash: &'a str,
}

impl SharePlace<'_> {
    fn data_key_aad(&self) -> Vec<u8> {
        associated("share-data-key", &[&self.project, &self.link, &self.ends_at, &self.passphrase_hash])
    }

    fn value_aad(&self) -> Vec<u8> {
        associated("share-value", &[&self.link])
    }
}

/// A value as stored: sealed under a data key that is itself sealed under a key of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedValue {
    /// The data key, sealed under the master key.
    pub data_key: Sealed,
    /// The value, sealed under the data key.
    pub value: Sealed,
}

impl SealedValue {
    fn seal(key: &[u8; 32], value: &Plaintext, [data_key_aad, value_aad]: [&[u8]; 2]) -> Self {
        let data_key = DataKey::make();
        Self { data_key: seal(key, &data_key.0, data_key_aad), value: seal(&data_key.0, value.expose(), value_aad) }
    }

    fn open(&self, key: &[u8; 32], [data_key_aad, value_aad]: [&[u8]; 2]) -> Result<Plaintext, OpenError> {
        let data_key = DataKey(open_key(key, &self.data_key, data_key_aad)?);
        let mut value = open(&data_key.0, &self.value, value_aad)?;
        Ok(Plaintext::new(std::mem::take(&mut *value)))
    }
}

impl MasterKey {
    /// Seals a value under a fresh data key, for this place.
    #[must_use]
    pub fn seal(&self, place: &ValuePlace, value: &Plaintext) -> SealedValue {
        SealedValue::seal(&self.0, value, [&place.data_key_aad(), &place.value_aad()])
    }

    /// Opens a value that was sealed for this place.
    pub fn open(&self, place: &ValuePlace, sealed: &SealedValue) -> Result<Plaintext, OpenError> {
        sealed.open(&self.0, [&place.data_key_aad(), &place.value_aad()])
    }
}

impl ShareKey {
    /// Seals a value under a fresh data key, for this share link.
    #[must_use]
    pub fn seal(&self, place: &SharePlace<'_>, value: &Plaintext) -> SealedValue {
        SealedValue::seal(&self.0, value, [&place.data_key_aad(), &place.value_aad()])
    }

    /// Opens a value that was sealed for this share link.
    pub fn open(&self, place: &SharePlace<'_>, sealed: &SealedValue) -> Result<Plaintext, OpenError> {
        sealed.open(&self.0, [&place.data_key_aad(), &place.value_aad()])
    }
}

impl WebhookKey {
    /// Seals the signing secret of this webhook.
    #[must_use]
    pub fn seal(&self, webhook: &dyn fmt::Display, secret: &Plaintext) -> Sealed {
        seal(&self.0, secret.expose(), &associated("webhook-secret", &[webhook]))
    }

    /// Opens a signing secret that was sealed for this webhook.
    pub fn open(&self, webhook: &dyn fmt::Display, sealed: &Sealed) -> Result<Plaintext, OpenError> {
        let mut secret = open(&self.0, sealed, &associated("webhook-secret", &[webhook]))?;
        Ok(Plaintext::new(std::mem::take(&mut *secret)))
    }
}

impl VaultKey {
    /// Seals a text for one purpose and one owner.
    #[must_use]
    pub fn seal(&self, purpose: &'static str, owner: &dyn fmt::Display, text: &Plaintext) -> Sealed {
        seal(&self.0, text.expose(), &associated("vault-text", &[&purpose, owner]))
    }

    /// Opens a text that was sealed for this purpose and this owner.
    pub fn open(
        &self,
        purpose: &'static str,
        owner: &dyn fmt::Display,
        sealed: &Sealed,
    ) -> Result<Plaintext, OpenError> {
        let mut text = open(&self.0, sealed, &associated("vault-text", &[&purpose, owner]))?;
        Ok(Plaintext::new(std::mem::take(&mut *text)))
    }
}

/// What a wrapped key is for and whose it is: the KMS encryption context on AWS, associated data locally.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyContext {
    /// A project's master key.
    Project(VaultId, ProjectId),
    /// A project's key for its share links.
    Share(VaultId, ProjectId),
    /// A vault's key.
    Vault(VaultId),
    /// A vault's key for the signing secrets of its webhooks.
    Webhook(VaultId),
    /// The seed of the deployment's key pair, which signs what webhooks are sent.
    Signing,
    /// A key of nothing, which shows that a store and a server key belong together.
    Check,
}

impl KeyContext {
    /// Names and values, in the order they are bound.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let of_project = |purpose: &str, vault: &VaultId, project: &ProjectId| {
            vec![("purpose", purpose.to_owned()), ("vault", vault.to_string()), ("project", project.to_string())]
        };
        let of_vault =
            |purpose: &str, vault: &VaultId| vec![("purpose", purpose.to_owned()), ("vault", vault.to_string())];
        match self {
            Self::Project(vault, project) => of_project("project", vault, project),
            Self::Share(vault, project) => of_project("share", vault, project),
            Self::Vault(vault) => of_vault("vault", vault),
            Self::Webhook(vault) => of_vault("webhook", vault),
            Self::Signing => vec![("purpose", "signing".to_owned())],
            Self::Check => vec![("purpose", "check".to_owned())],
        }
    }

    fn aad(&self) -> Vec<u8> {
        let pairs: Vec<String> = self.pairs().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let parts: Vec<&dyn fmt::Display> = pairs.iter().map(|pair| pair as &dyn fmt::Display).collect();
        associated("server-key", &parts)
    }
}

impl ServerKey {
    /// Makes a key for this context and gives it wrapped only.
    #[must_use]
    pub fn make_wrapped(&self, context: &KeyContext) -> Sealed {
        let key = Zeroizing::new(random::bytes::<32>());
        seal(&self.0, &*key, &context.aad())
    }

    /// Unwraps a key that was wrapped for this context.
    pub fn unwrap(&self, context: &KeyContext, wrapped: &Sealed) -> Result<Zeroizing<[u8; 32]>, OpenError> {
        open_key(&self.0, wrapped, &context.aad()).map(Zeroizing::new)
    }

    /// Wraps a key that was wrapped for this context again, under another server key.
    pub fn rewrap(&self, context: &KeyContext, wrapped: &Sealed, under: &Self) -> Result<Sealed, OpenError> {
        let key = self.unwrap(context, wrapped)?;
        Ok(seal(&under.0, &*key, &context.aad()))
    }
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
