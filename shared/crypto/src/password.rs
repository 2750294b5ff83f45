//! Passwords as Argon2id hashes in PHC text form.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

use crate::{Plaintext, random};

/// Memory of one hash, KiB (decisions 12: 64 MiB).
const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over that memory.
const PASSES: u32 = 3;
/// Lanes.
const LANES: u32 = 1;

fn argon2id() -> Argon2<'static> {
    // These constants are inside the library's bounds; its defaults would be weaker but still safe.
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The password as it is hashed: in NFC, because keyboards send the same letter in more than one form.
fn normal(password: &Plaintext) -> Plaintext {
    match password.expose_str() {
        Some(text) if is_nfc_quick(text.chars()) != IsNormalized::Yes => {
            // As large as it can get, because a buffer that grows leaves copies behind.
            let mut normal = String::with_capacity(text.len() * 3);
            normal.extend(text.nfc());
            Plaintext::new(normal.into_bytes())
        }
        _ => Plaintext::new(password.expose().to_vec()),
    }
}

/// Hashes a password under a fresh salt. Takes more than a tenth of a second and 64 MiB; not for an async task.
///
/// # Panics
/// Never: it could only for parameters out of bounds, and these are constants.
#[expect(clippy::expect_used, reason = "fails only for parameters out of bounds, and these are constants")]
#[must_use]
pub fn hash(password: &Plaintext) -> String {
    let salt: [u8; 16] = random::bytes();
    argon2id().hash_password_with_salt(normal(password).expose(), &salt).expect("constant parameters").to_string()
}

/// Whether a password is the one that was hashed. As slow as [`hash`]. `None` stands for an account that does not
/// exist: it takes the same time and is never right.
#[must_use]
pub fn verify(password: &Plaintext, hashed: Option<&str>) -> bool {
    // A hash of these parameters that no password was used for.
    const NOBODY: &str = "$argon2id$v=19$m=65536,t=3,p=1$c2lra2Vya2V5LW5vYm9keQ$\
                          AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let right = PasswordHash::new(hashed.unwrap_or(NOBODY))
        .is_ok_and(|parsed| argon2id().verify_password(normal(password).expose(), &parsed).is_ok());
    right && hashed.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Plaintext {
        Plaintext::new(text.as_bytes().to_vec())
    }

    #[test]
    fn only_the_right_password_verifies() {
        let hashed = hash(&password("correct horse 1!"));
        assert!(hashed.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"));
        assert!(verify(&password("correct horse 1!"), Some(&hashed)));
        assert!(!verify(&password("correct horse 2!"), Some(&hashed)));
        assert!(!verify(&password("correct horse 1!"), None));
        assert!(!verify(&password("correct horse 1!"), Some("not a hash")));
    }

    #[test]
    fn the_same_letters_are_the_same_password() {
        let hashed = hash(&password("p\u{e4}ssword one 1!"));
        assert!(verify(&password("pa\u{308}ssword one 1!"), Some(&hashed)));
        assert!(verify(&password("p\u{e4}ssword one 1!"), Some(&hash(&password("pa\u{308}ssword one 1!")))));
        assert!(!verify(&password("password one 1!"), Some(&hashed)));
    }

    #[test]
    fn salts_differ() {
        assert_ne!(hash(&password("x")), hash(&password("x")));
    }
}
