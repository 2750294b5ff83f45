//! Identifiers, each with one canonical text.
//!
//! Those that published clients know stand here; others stand with their noun (`rules::nouns`), by the macros of this file.
//!
//! Two families: a prefix and ten characters of `[a-z0-9]` (51 bits; rows are put with a condition, so a collision
//! is refused and never overwrites), and lower-case version 4 UUIDs. Parsing accepts the canonical text only, except
//! that UUIDs may arrive in upper case and are written back in lower case *before* they become part of any key.

use std::fmt;

use uuid::Uuid;

/// A text that is not an identifier of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {0}")]
pub struct MalformedId(pub &'static str);

/// Number of random characters after the prefix.
const SUFFIX: usize = 10;
const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// What stands behind the prefix of an id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Suffix([u8; SUFFIX]);

impl Suffix {
    /// From 16 bytes of the random source.
    #[must_use]
    pub fn from_entropy(entropy: [u8; 16]) -> Self {
        // 36^10 divides 2^128 with a remainder so small (2^-76) that taking digits of the number is unbiased in practice.
        let mut number = u128::from_be_bytes(entropy);
        let mut suffix = [b'a'; SUFFIX];
        for slot in &mut suffix {
            let digit = usize::try_from(number % 36).unwrap_or_default();
            *slot = ALPHABET.get(digit).copied().unwrap_or(b'a');
            number /= 36;
        }
        Self(suffix)
    }

    /// That of this id.
    #[must_use]
    pub fn parse(text: &str, prefix: &str) -> Option<Self> {
        let suffix: [u8; SUFFIX] = text.strip_prefix(prefix)?.as_bytes().try_into().ok()?;
        suffix.iter().all(|byte| ALPHABET.contains(byte)).then_some(Self(suffix))
    }
}

impl fmt::Display for Suffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| fmt::Write::write_char(f, char::from(*byte)))
    }
}

/// A version 4 UUID in its canonical text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid4(Uuid);

impl Uuid4 {
    /// From 16 bytes of the random source.
    #[must_use]
    pub fn from_entropy(entropy: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(entropy).into_uuid())
    }

    /// That of this text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // The hyphenated form is 36 long; the other forms that the library reads are not ours.
        (text.len() == 36).then(|| Uuid::try_parse(text).ok().map(Self)).flatten()
    }
}

impl fmt::Display for Uuid4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

/// What both families have in common.
#[doc(hidden)]
#[macro_export]
macro_rules! text_id {
    ($name:ident, $what:literal, $schema:tt) => {
        impl ::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                ::schemars::json_schema!($schema)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl ::serde::de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str(concat!("a ", $what))
                    }
                    fn visit_str<E: ::serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }
    };
}

/// An id: a prefix and ten characters.
#[macro_export]
macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name($crate::ids::Suffix);

        impl $name {
            /// Makes an id from 16 bytes of the random source.
            #[must_use]
            pub fn from_entropy(entropy: [u8; 16]) -> Self {
                Self($crate::ids::Suffix::from_entropy(entropy))
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::MalformedId;
            fn from_str(text: &str) -> Result<Self, $crate::MalformedId> {
                $crate::ids::Suffix::parse(text, $prefix).map(Self).ok_or($crate::MalformedId($what))
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str($prefix)?;
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        $crate::text_id!($name, $what, {
            "type": "string",
            "pattern": concat!("^", $prefix, "[a-z0-9]{10}$"),
        });
    };
}

/// An id: a version 4 UUID.
#[macro_export]
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name($crate::ids::Uuid4);

        impl $name {
            /// Makes a version 4 id from 16 bytes of the random source.
            #[must_use]
            pub fn from_entropy(entropy: [u8; 16]) -> Self {
                Self($crate::ids::Uuid4::from_entropy(entropy))
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::MalformedId;
            fn from_str(text: &str) -> Result<Self, $crate::MalformedId> {
                $crate::ids::Uuid4::parse(text).map(Self).ok_or($crate::MalformedId($what))
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        $crate::text_id!($name, $what, { "type": "string", "format": "uuid" });
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
