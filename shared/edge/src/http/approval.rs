//! What approving machines and AI agents has in common: the body.

use crypto::PublicKey;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Code, Error};

/// The body of an approval. Published clients send none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The fingerprint of the key that is meant, as the script that registered it has printed it.
    fingerprint: Option<String>,
}

impl Approval {
    /// Refuses if another key is meant than this one.
    pub fn check(&self, key: &PublicKey) -> Result<(), Error> {
        match &self.fingerprint {
            Some(meant) if *meant != key.fingerprint() => Err(Error::new(
                Code::OtherFingerprint,
                "Its key has another fingerprint; do not approve it unless you know why",
            )),
            _ => Ok(()),
        }
    }
}
