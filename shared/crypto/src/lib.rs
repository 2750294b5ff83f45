//! Cryptography for SikkerKey: envelopes, signatures, password hashes, second factors and one-time tokens, on RustCrypto and dalek.
//!
//! Callers get envelopes, not ciphers: nobody outside this crate picks an IV, and nobody can forget the associated
//! data, because the place a value lives in is an argument of sealing and opening. Every type that holds a secret
//! wipes itself on drop and can be neither printed nor serialised; `expose` is the one way in and is easy to search
//! for. There is no I/O here but the operating system's random source.

pub mod envelope;
pub mod generator;
pub mod mac;
pub mod passphrase;
pub mod password;
pub mod random;
pub mod recovery_codes;
pub mod signature;
pub mod token;
pub mod totp;

mod plaintext;

pub use envelope::{
    DataKey, KeyContext, MasterKey, OpenError, Sealed, SealedValue, ServerKey, ShareKey, SharePlace, ValuePlace,
    VaultKey, WebhookKey,
};
pub use generator::{Charset, Generator};
pub use passphrase::Passphrase;
pub use plaintext::Plaintext;
pub use signature::{KeyPair, MalformedKey, PublicKey};
pub use token::{OneTimeToken, TokenHash};

use sha2::{Digest, Sha256};

/// SHA-256, as of a request body.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
