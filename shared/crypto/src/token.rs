//! One-time tokens: 32 random bytes, shown once, stored only as SHA-256.
//!
//! A plain hash is enough because the input has 256 bits of entropy; there is nothing to guess. Looking a token up by
//! its hash also takes comparing it out of our hands.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::ZeroizeOnDrop;

use crate::{random, sha256};

/// The plaintext of a token, to be shown once.
#[derive(ZeroizeOnDrop)]
pub struct OneTimeToken([u8; 32]);

impl OneTimeToken {
    /// A new one.
    #[must_use]
    pub fn make() -> Self {
        Self(random::bytes())
    }

    /// 64 lower-case hex characters: bootstrap tokens, sessions.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// 43 characters of base64url: links.
    #[must_use]
    pub fn to_link_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// `ske_` and 43 characters of base64url: enrollment tokens.
    #[must_use]
    pub fn to_enrollment_text(&self) -> String {
        format!("ske_{}", self.to_link_text())
    }
}

/// What is stored of a token: the SHA-256 of its text, as 64 lower-case hex characters.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash(String);

impl TokenHash {
    /// Of a token in hex. Nothing when the text is not 64 lower-case hex characters.
    pub fn of_hex(text: &str) -> Option<Self> {
        let fits = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self::of(text))
    }

    /// Of a link's token. Nothing when the text is not 43 characters of base64url.
    pub fn of_link_text(text: &str) -> Option<Self> {
        is_link_text(text).then(|| Self::of(text))
    }

    /// Of an enrollment token. Nothing when the text is not `ske_` and 43 characters of base64url.
    pub fn of_enrollment_text(text: &str) -> Option<Self> {
        text.strip_prefix("ske_").is_some_and(is_link_text).then(|| Self::of(text))
    }

    fn of(text: &str) -> Self {
        Self(hex::encode(sha256(text.as_bytes())))
    }

    /// The hash as text, fit for a key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_link_text(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok()
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_their_hashes() {
        let token = OneTimeToken([0x42; 32]);
        assert_eq!(token.to_hex(), "42".repeat(32));
        let enrollment = token.to_enrollment_text();
        assert_eq!(enrollment.len(), 47);
        assert!(TokenHash::of_enrollment_text(&enrollment).is_some());
        let link = token.to_link_text();
        assert_eq!(link.len(), 43);
        assert_ne!(TokenHash::of_link_text(&link), TokenHash::of_enrollment_text(&enrollment));
        assert!(TokenHash::of_link_text(&link).is_some());
        assert_ne!(TokenHash::of_hex(&token.to_hex()), TokenHash::of_enrollment_text(&enrollment));
    }

    #[test]
    fn other_shapes_have_no_hash() {
        for text in ["", "42", &"4G".repeat(32), &"AB".repeat(32), &"ab".repeat(33)] {
            assert_eq!(TokenHash::of_hex(text), None, "{text}");
        }
        for text in ["", "ske_", &format!("ske_{}", "!".repeat(43)), &format!("SKE_{}", "a".repeat(43))] {
            assert_eq!(TokenHash::of_enrollment_text(text), None, "{text}");
            assert_eq!(TokenHash::of_link_text(text), None, "{text}");
        }
    }
}
