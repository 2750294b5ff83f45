//! The generator of values: one for secrets, rotation, canaries and share links (decisions 5).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{Plaintext, random};

/// What generated values are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Charset {
    /// Letters, digits and `!@#$%^&*()-_=+[]{}:,.?`.
    #[default]
    Symbols,
    /// Letters and digits.
    Alphanumeric,
    /// Digits.
    Numbers,
    /// A version 4 UUID, whatever the length.
    Uuid,
}

/// How a value is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// Characters, 1 to 1,024.
    pub length: usize,
    /// Of what.
    pub charset: Charset,
}

impl Default for Generator {
    fn default() -> Self {
        Self { length: 32, charset: Charset::Symbols }
    }
}

impl Generator {
    /// Bounds of the length, in characters.
    pub const LENGTH: std::ops::RangeInclusive<u64> = 1..=1_024;

    /// A new value.
    #[must_use]
    pub fn make(&self) -> Plaintext {
        let alphabet: &[u8] = match self.charset {
            Charset::Symbols => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*()-_=+[]{}:,.?",
            Charset::Alphanumeric => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            Charset::Numbers => b"0123456789",
            Charset::Uuid => return uuid(),
        };
        let mut value = Vec::with_capacity(self.length);
        // Bytes past the last whole multiple of the alphabet are thrown away: taking their remainder would favour the
        // first letters.
        let usable = 256 - 256 % alphabet.len();
        while value.len() < self.length {
            let bytes = Zeroizing::new(random::bytes::<64>());
            let letters = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < usable);
            let letters = letters.filter_map(|byte| alphabet.get(byte % alphabet.len()).copied());
            value.extend(letters.take(self.length - value.len()));
        }
        Plaintext::new(value)
    }
}

fn uuid() -> Plaintext {
    let mut bytes = random::bytes::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = Zeroizing::new(hex::encode(bytes));
    bytes.zeroize();
    let mut value = Vec::with_capacity(36);
    for (position, digit) in digits.bytes().enumerate() {
        if [8, 12, 16, 20].contains(&position) {
            value.push(b'-');
        }
        value.push(digit);
    }
    Plaintext::new(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn text(length: usize, charset: Charset) -> String {
        let value = Generator { length, charset }.make();
        value.expose_str().unwrap().to_owned()
    }

    #[test]
    fn lengths_and_alphabets() {
        for length in [1, 32, 63, 64, 65, 1_024] {
            assert_eq!(text(length, Charset::Symbols).len(), length);
            assert!(text(length, Charset::Alphanumeric).bytes().all(|byte| byte.is_ascii_alphanumeric()));
            assert!(text(length, Charset::Numbers).bytes().all(|byte| byte.is_ascii_digit()));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "!@#$%^&*()-_=+[]{}:,.?".contains(c);
        assert!(text(1_024, Charset::Symbols).chars().all(allowed));
        assert_ne!(text(32, Charset::Symbols), text(32, Charset::Symbols));
    }

    #[test]
    fn uuids_are_version_4() {
        for _ in 0..50 {
            let text = text(5, Charset::Uuid);
            let parts: Vec<&str> = text.split('-').collect();
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
            assert!(text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-')));
            assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{text}");
        }
    }

    /// Every letter comes, and none much more often than it should: six standard deviations of a fair draw.
    #[test]
    fn no_letter_is_favoured() {
        for (charset, letters) in [(Charset::Symbols, 84_u32), (Charset::Alphanumeric, 62), (Charset::Numbers, 10)] {
            let mut seen = BTreeMap::new();
            let draws = 1_024 * 200;
            for _ in 0..200 {
                text(1_024, charset).bytes().for_each(|letter| *seen.entry(letter).or_insert(0_u32) += 1);
            }
            assert_eq!(u32::try_from(seen.len()).unwrap(), letters);
            let expected = f64::from(draws) / f64::from(letters);
            let bound = 6.0 * expected.sqrt();
            for (letter, count) in seen {
                assert!((f64::from(count) - expected).abs() < bound, "{}: {count}, not {expected}", char::from(letter));
            }
        }
    }
}
