//! Identifiers, each with one canonical text.
//!
//! Two families: a prefix and ten characters of `[a-z0-9]` (51 bits; rows are put with a condition, so a collision
//! is refused and never overwrites), and lower-case version 4 UUIDs. Parsing accepts the canonical text only, except
//! that UUIDs may arrive in upper case and are written back in lower case *before* they become part of any key.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// A text that is not an identifier of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {0}")]
pub struct MalformedId(&'static str);

/// Number of random characters after the prefix.
const SUFFIX: usize = 10;
const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

fn suffix_from_entropy(entropy: [u8; 16]) -> [u8; SUFFIX] {
    // 36^10 divides 2^128 with a remainder so small (2^-76) that taking digits of the number is unbiased in practice.
    let mut number = u128::from_be_bytes(entropy);
    let mut suffix = [b'a'; SUFFIX];
    for slot in &mut suffix {
        let digit = usize::try_from(number % 36).unwrap_or_default();
        *slot = ALPHABET.get(digit).copied().unwrap_or(b'a');
        number /= 36;
    }
    suffix
}

fn parse_suffix(text: &str, prefix: &str) -> Option<[u8; SUFFIX]> {
    let suffix: [u8; SUFFIX] = text.strip_prefix(prefix)?.as_bytes().try_into().ok()?;
    suffix.iter().all(|byte| ALPHABET.contains(byte)).then_some(suffix)
}

macro_rules! text_id {
    ($name:ident, $what:literal, $schema:tt) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a ", $what))
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; SUFFIX]);

        impl $name {
            /// Makes an id from 16 bytes of the random source.
            #[must_use]
            pub fn from_entropy(entropy: [u8; 16]) -> Self {
                Self(suffix_from_entropy(entropy))
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;
            fn from_str(text: &str) -> Result<Self, MalformedId> {
                parse_suffix(text, $prefix).map(Self).ok_or(MalformedId($what))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                self.0.iter().try_for_each(|byte| fmt::Write::write_char(f, char::from(*byte)))
            }
        }

        text_id!($name, $what, {
            "type": "string",
            "pattern": concat!("^", $prefix, "[a-z0-9]{10}$"),
        });
    };
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a version 4 id from 16 bytes of the random source.
            #[must_use]
            pub fn from_entropy(entropy: [u8; 16]) -> Self {
                Self(uuid::Builder::from_random_bytes(entropy).into_uuid())
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;
            fn from_str(text: &str) -> Result<Self, MalformedId> {
                // The hyphenated form is 36 long; the other forms that the library reads are not ours.
                if text.len() != 36 {
                    return Err(MalformedId($what));
                }
                Uuid::try_parse(text).map(Self).map_err(|_| MalformedId($what))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        text_id!($name, $what, { "type": "string", "format": "uuid" });
    };
}

prefixed_id!(
    /// A vault: one account's encrypted storage.
    VaultId, "vault_", "vault id"
);
prefixed_id!(
    /// A project: secrets and machines of one logical environment, under a key of its own.
    ProjectId, "proj_", "project id"
);
prefixed_id!(
    /// A stored secret.
    SecretId, "sk_", "secret id"
);
prefixed_id!(
    /// An enrollment token; its plaintext is another thing and is never stored.
    EnrollmentTokenId, "enr_", "enrollment token id"
);
prefixed_id!(
    /// One entry of a vault's IP allowlist.
    AllowlistEntryId, "ipa_", "allowlist entry id"
);
prefixed_id!(
    /// A pre-provisioned identity that waits for its one download.
    BundleId, "bun_", "bundle id"
);
uuid_id!(
    /// A server, container or CI runner.
    MachineId, "machine id"
);
uuid_id!(
    /// An AI agent.
    AgentId, "agent id"
);
uuid_id!(
    /// A person.
    UserId, "user id"
);
uuid_id!(
    /// A person's session, as shown in lists. Not the cookie.
    SessionId, "session id"
);
uuid_id!(
    /// A passkey of a person.
    PasskeyId, "passkey id"
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn canonical_text_round_trips() {
        let id: SecretId = "sk_a1b2c3d4e5".parse().unwrap();
        assert_eq!(id.to_string(), "sk_a1b2c3d4e5");
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"sk_a1b2c3d4e5\"");
        assert_eq!(serde_json::from_str::<SecretId>("\"sk_a1b2c3d4e5\"").unwrap(), id);
    }

    #[test]
    fn letter_case_of_a_uuid_is_one_identity() {
        let lower: MachineId = "0b64c4f0-5d6f-4d5e-9c7e-3f1f6f3f0a11".parse().unwrap();
        let upper: MachineId = "0B64C4F0-5D6F-4D5E-9C7E-3F1F6F3F0A11".parse().unwrap();
        assert_eq!(lower, upper);
        assert_eq!(upper.to_string(), "0b64c4f0-5d6f-4d5e-9c7e-3f1f6f3f0a11");
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in
            ["", "sk_", "sk_A1b2c3d4e5", "sk_a1b2c3d4e", "sk_a1b2c3d4e5f", "proj_a1b2c3d4e5", "sk_a1b2c3d4e\u{e9}"]
        {
            assert!(text.parse::<SecretId>().is_err(), "{text}");
        }
        for text in ["", "0b64c4f05d6f4d5e9c7e3f1f6f3f0a11", "{0b64c4f0-5d6f-4d5e-9c7e-3f1f6f3f0a11}"] {
            assert!(text.parse::<MachineId>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn made_ids_parse(entropy: [u8; 16]) {
            let id = ProjectId::from_entropy(entropy);
            prop_assert_eq!(id.to_string().parse::<ProjectId>().unwrap(), id);
            let id = MachineId::from_entropy(entropy);
            prop_assert_eq!(id.to_string().parse::<MachineId>().unwrap(), id);
        }

        #[test]
        fn parsing_never_panics(text in ".{0,40}") {
            let _ = text.parse::<SecretId>();
            let _ = text.parse::<MachineId>();
        }
    }
}
