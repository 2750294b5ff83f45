//! Names that are compared, and names that are unique.

use std::fmt;

use crypto::sha256;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// Most bytes of a name as it is compared that a key holds whole. DynamoDB's sort keys have at most 1,024.
const KEPT: usize = 900;

/// Has the upper case of another letter, and is not folded with it.
const DOTLESS_I: char = '\u{131}';

/// A text in which letter case makes no difference: character by character, as Unicode's simple case folding does.
#[must_use]
pub fn folded(text: &str) -> String {
    let alone = |mut chars: Box<dyn Iterator<Item = char>>, own: char| match (chars.next(), chars.next()) {
        (Some(char), None) => char,
        _ => own,
    };
    let fold = |char: char| {
        if char == DOTLESS_I {
            return char;
        }
        let upper = alone(Box::new(char.to_uppercase()), char);
        alone(Box::new(upper.to_lowercase()), upper)
    };
    text.chars().map(fold).collect()
}

/// A name as it is compared with others: normalised to NFC, in either letter case. Of a very long one the beginning, and a
/// hash of all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UniqueName(String);

impl UniqueName {
    /// What this name is compared as.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let composed: String = name.nfc().collect();
        let compared: String = folded(&composed).nfc().collect();
        if compared.len() <= KEPT {
            return Self(compared);
        }
        let whole = (0..=KEPT).rev().find(|at| compared.is_char_boundary(*at)).unwrap_or_default();
        let (beginning, _) = compared.split_at(whole);
        Self(format!("{beginning}#{}", hex::encode(sha256(compared.as_bytes()))))
    }
}

/// Which names a query asks for: all, or those that are the same as one.
#[derive(Debug, Clone)]
pub struct NameFilter(Option<UniqueName>);

impl NameFilter {
    /// Those that are the same as this name; all without one.
    #[must_use]
    pub fn of(name: Option<&str>) -> Self {
        Self(name.map(UniqueName::of))
    }

    /// Whether this name is one of them.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|wanted| *wanted == UniqueName::of(name))
    }
}

impl fmt::Display for UniqueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_letters_are_the_same_name() {
        for (one, other) in [
            ("Prod DB", "pROD db"),
            ("stra\u{df}e", "STRA\u{1e9e}E"),
            ("\u{e4}", "a\u{308}"),
            ("\u{c4}", "a\u{308}"),
            ("\u{3a3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c2}", "\u{3c3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c3}"),
            ("\u{212a}elvin", "kelvin"),
        ] {
            assert_eq!(UniqueName::of(one), UniqueName::of(other), "{one} {other}");
        }
        for (one, other) in [("a", "b"), ("a b", "ab"), ("stra\u{df}e", "strase"), ("i", "\u{131}")] {
            assert_ne!(UniqueName::of(one), UniqueName::of(other), "{one} {other}");
        }
    }

    #[test]
    fn a_long_name_fits_into_a_key_and_is_still_itself() {
        let long = "\u{1d15e}".repeat(254);
        let (one, other) = (UniqueName::of(&format!("{long}a")), UniqueName::of(&format!("{long}b")));
        assert_ne!(one, other);
        assert_eq!(one, UniqueName::of(&format!("{long}A")));
        assert!(one.to_string().len() <= 1_024 - "NAME#".len());
    }
}
