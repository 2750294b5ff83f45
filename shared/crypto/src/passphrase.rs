//! Passphrases and codes that are made here and typed by people: letters and digits that do not look alike, 5 bits each.

use std::fmt;

use zeroize::Zeroizing;

use crate::{Plaintext, random};

/// Without letters that look like others.
pub(crate) const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
/// Characters of a passphrase: 100 bits (decisions 11).
const CHARACTERS: usize = 20;
/// Characters of a group, as it is shown.
const GROUP: usize = 5;

/// The passphrase of a share link, to be shown once.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// A new one.
    #[must_use]
    pub fn make() -> Self {
        Self(characters::<CHARACTERS>())
    }

    /// The passphrase in groups of five characters.
    pub fn expose(&self) -> Zeroizing<String> {
        grouped(&self.0, GROUP)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a passphrase")
    }
}

/// What somebody typed, as it is hashed: in either letter case, with dashes and spaces or without.
#[must_use]
pub fn typed(text: &Plaintext) -> Plaintext {
    let letters = text.expose().iter().filter(|byte| byte.is_ascii_alphanumeric());
    let mut plain = Vec::with_capacity(text.len());
    plain.extend(letters.map(u8::to_ascii_lowercase));
    Plaintext::new(plain)
}

/// Random characters.
pub(crate) fn characters<const NUMBER: usize>() -> Zeroizing<String> {
    let bytes = Zeroizing::new(random::bytes::<NUMBER>());
    let character = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().map_or('a', char::from);
    let mut text = Zeroizing::new(String::with_capacity(NUMBER));
    text.extend(bytes.iter().map(character));
    text
}

/// Characters in groups, with dashes between them.
pub(crate) fn grouped(characters: &str, group: usize) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * characters.len()));
    for (at, character) in characters.chars().enumerate() {
        if at > 0 && at % group == 0 {
            text.push('-');
        }
        text.push(character);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn plain(text: &str) -> Plaintext {
        Plaintext::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_passphrase_has_100_bits_in_groups_of_five() {
        assert_eq!(ALPHABET.iter().collect::<BTreeSet<_>>().len(), 32, "5 bits each");
        let shown = Passphrase::make().expose();
        let groups: Vec<_> = shown.split('-').collect();
        assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [5; 4]);
        assert!(groups.concat().bytes().all(|byte| ALPHABET.contains(&byte)), "{shown:?}");
        assert_ne!(shown, Passphrase::make().expose());
        assert_eq!(format!("{:?}", Passphrase::make()), "a passphrase");
    }

    #[test]
    fn it_is_the_same_however_it_is_typed() {
        let shown = Passphrase::make().expose();
        let right = shown.replace('-', "");
        for text in [shown.to_string(), shown.to_uppercase(), right.clone(), format!(" {} ", shown.replace('-', "  "))]
        {
            assert_eq!(typed(&plain(&text)).expose_str(), Some(&*right), "{text}");
        }
        let wrong = format!("{right}1");
        assert_ne!(typed(&plain(&wrong)).expose_str(), Some(&*right));
    }
}
