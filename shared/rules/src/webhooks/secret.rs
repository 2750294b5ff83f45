//! The signing secret that a webhook's receiver shares with us.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::Plaintext;
use zeroize::Zeroizing;

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";
/// Random bytes in one.
pub(super) const BYTES: usize = 32;

/// A webhook's signing secret: 32 random bytes, and their text.
pub struct SigningSecret(Plaintext);

impl SigningSecret {
    /// From random bytes.
    #[must_use]
    pub fn of(random: &[u8; BYTES]) -> Self {
        // The encoder writes into the text itself, so that no copy is left behind.
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + BYTES.div_ceil(3) * 4));
        text.push_str(PREFIX);
        STANDARD.encode_string(random, &mut text);
        Self(Plaintext::new(std::mem::take(&mut *text).into_bytes()))
    }

    /// One that was opened.
    #[must_use]
    pub fn opened(text: Plaintext) -> Self {
        Self(text)
    }

    /// The text, as its owner is shown it this once.
    #[must_use]
    pub fn text(&self) -> &Plaintext {
        &self.0
    }

    /// The text itself.
    #[must_use]
    pub fn into_text(self) -> Plaintext {
        self.0
    }

    /// The random bytes; nothing of a text that is no secret.
    pub(super) fn bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        STANDARD.decode(self.0.expose_str()?.strip_prefix(PREFIX)?).ok().map(Zeroizing::new)
    }
}
