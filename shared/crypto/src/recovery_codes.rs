//! Recovery codes: what a person signs in with when their authenticator app is gone. Each is good once.
//!
//! A code has 80 bits of entropy. Codes are stored as Argon2id under one salt for the set, so that one computation tells
//! whether a code is among them. The memory is OWASP's minimum (19 MiB, two passes): against 80 bits that is more than enough.

use std::collections::BTreeSet;
use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use crate::passphrase::{characters, grouped, typed};
use crate::{Plaintext, random};

/// How many there are in a set (decisions 12).
pub const CODES: usize = 10;
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Characters of a code, 5 bits each.
const CHARACTERS: usize = 16;
/// Characters of a group, as it is shown.
const GROUP: usize = 4;

/// Codes to be shown once.
pub struct RecoveryCodes(Vec<Zeroizing<String>>);

/// What is stored of a set of codes.
#[derive(Clone)]
pub struct RecoveryHashes {
    /// Hex.
    pub salt: String,
    /// Hex, one for each code that was not used.
    pub hashes: BTreeSet<String>,
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} recovery codes", self.0.len())
    }
}

impl RecoveryCodes {
    /// A new set and what is to be stored of it. Takes a few tenths of a second; not for an async task.
    #[must_use]
    pub fn make() -> (Self, RecoveryHashes) {
        let salt = hex::encode(random::bytes::<16>());
        let codes: Vec<_> = (0..CODES).map(|_| characters::<CHARACTERS>()).collect();
        let hashes = codes.iter().map(|code| hash(code.as_bytes(), &salt)).collect();
        (Self(codes), RecoveryHashes { salt, hashes })
    }

    /// The codes, in groups of four characters.
    pub fn expose(&self) -> impl Iterator<Item = Zeroizing<String>> {
        self.0.iter().map(|code| grouped(code, GROUP))
    }
}

/// The stored hash that a code belongs to. Takes as long for a wrong one; not for an async task.
#[must_use]
pub fn find(code: &Plaintext, among: &RecoveryHashes) -> Option<String> {
    let hash = hash(typed(code).expose(), &among.salt);
    among.hashes.contains(&hash).then_some(hash)
}

/// # Panics
/// Never: it could only for parameters out of bounds, and these are constants.
#[expect(clippy::expect_used, reason = "fails only for parameters out of bounds, and these are constants")]
fn hash(code: &[u8], salt: &str) -> String {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default();
    let argon2id = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; 32];
    argon2id.hash_password_into(code, salt.as_bytes(), &mut hash).expect("constant parameters");
    hex::encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passphrase::ALPHABET;

    fn plain(text: &str) -> Plaintext {
        Plaintext::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        let (codes, hashes) = RecoveryCodes::make();
        let shown: Vec<_> = codes.expose().collect();
        assert_eq!((shown.len(), hashes.hashes.len()), (CODES, CODES));
        let one = &*shown[3];
        assert_eq!(one.len(), 19);
        assert!(one.bytes().all(|byte| byte == b'-' || ALPHABET.contains(&byte)), "{one}");
        let found = find(&plain(one), &hashes).unwrap();
        assert!(hashes.hashes.contains(&found));
        for typed in [one.to_uppercase(), one.replace('-', ""), format!(" {} ", one.replace('-', " "))] {
            assert_eq!(find(&plain(&typed), &hashes).as_ref(), Some(&found), "{typed}");
        }
        for wrong in ["", "aaaa-aaaa-aaaa-aaaa", &one.replace('-', "x"), "123456"] {
            assert_eq!(find(&plain(wrong), &hashes), None, "{wrong}");
        }
        assert_eq!(format!("{codes:?}"), "10 recovery codes");
    }
}
