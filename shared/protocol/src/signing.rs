//! What a machine or an agent signs, and the four headers that carry it.
//!
//! The text is `METHOD:PATH:TIMESTAMP:NONCE:BODYHASH`, rebuilt from the request as received and never parsed. It is
//! signed with pure Ed25519 (RFC 8032). The identity header is not covered by the signature, so its id is parsed to
//! canonical form before it is used for anything.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Names of the four headers, as published clients send them.
pub mod header {
    /// The signer's id: a machine's on the machine plane, an agent's under `/v1/ai/`.
    pub const MACHINE_ID: &str = "x-machine-id";
    /// Another name for it, for agents only.
    pub const AGENT_ID: &str = "x-agent-id";
    /// Epoch seconds, decimal ASCII.
    pub const TIMESTAMP: &str = "x-timestamp";
    /// 8 to 128 printable ASCII characters, never used twice by one identity.
    pub const NONCE: &str = "x-nonce";
    /// Standard padded base64 of the 64-byte signature.
    pub const SIGNATURE: &str = "x-signature";
}

/// A header that is missing, doubled or not of its shape. The name is for our log; the caller learns only
/// `Authentication failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("header {0} is missing, doubled or malformed")]
pub struct MalformedHeader(pub &'static str);

/// A request's number used once: an opaque string of 8 to 128 printable ASCII characters.
///
/// Clients send base64 or hex; nothing depends on which.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Nonce(String);

impl Nonce {
    /// Bounds of the length, in characters.
    pub const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

    /// The text as received.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Nonce {
    type Err = MalformedHeader;
    fn from_str(text: &str) -> Result<Self, MalformedHeader> {
        let fits = Self::LENGTH.contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        fits.then(|| Self(text.to_owned())).ok_or(MalformedHeader(header::NONCE))
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request's time: the exact text that was signed, and the epoch seconds it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    text: String,
    seconds: u64,
}

impl Timestamp {
    /// The header's text, which is what is signed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Epoch seconds.
    pub fn seconds(&self) -> u64 {
        self.seconds
    }
}

impl FromStr for Timestamp {
    type Err = MalformedHeader;
    fn from_str(text: &str) -> Result<Self, MalformedHeader> {
        let error = MalformedHeader(header::TIMESTAMP);
        // Sixteen digits are enough until the year 300 million and cannot overflow.
        if !(1..=16).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error);
        }
        let seconds = text.parse().map_err(|_| error)?;
        Ok(Self { text: text.to_owned(), seconds })
    }
}

/// The four headers of a signed request, well formed. Whether they are true is for the gate to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeaders<Id> {
    /// Who claims to have signed.
    pub identity: Id,
    /// When.
    pub timestamp: Timestamp,
    /// The number that makes the request unique.
    pub nonce: Nonce,
    /// 64 bytes of Ed25519 signature.
    pub signature: [u8; 64],
}

impl<Id: FromStr> SignedHeaders<Id> {
    /// Parses the headers. `get` gives a header's value, and nothing when it is missing, doubled or not ASCII text.
    pub fn parse<'a>(get: impl Fn(&'static str) -> Option<&'a str>) -> Result<Self, MalformedHeader> {
        let text = |name| get(name).ok_or(MalformedHeader(name));
        let malformed = MalformedHeader(header::SIGNATURE);
        Ok(Self {
            identity: text(header::MACHINE_ID)?.parse().map_err(|_| MalformedHeader(header::MACHINE_ID))?,
            timestamp: text(header::TIMESTAMP)?.parse()?,
            nonce: text(header::NONCE)?.parse()?,
            signature: {
                let encoded = text(header::SIGNATURE)?;
                // 64 bytes are 88 characters; checking first keeps an oversized header from being decoded.
                if encoded.len() != 88 {
                    return Err(malformed);
                }
                let bytes = STANDARD.decode(encoded).map_err(|_| malformed)?;
                bytes.try_into().map_err(|_| malformed)?
            },
        })
    }
}

/// The parts of the text that is signed.
#[derive(Debug, Clone, Copy)]
pub struct SigningText<'a> {
    /// Upper-case method as sent.
    pub method: &'a str,
    /// The raw path, undecoded, beginning with `/`.
    pub path: &'a str,
    /// The timestamp header's text.
    pub timestamp: &'a str,
    /// The nonce header's text.
    pub nonce: &'a str,
    /// SHA-256 of the raw body, of zero bytes when there is none.
    pub body_sha256: &'a [u8; 32],
}

impl SigningText<'_> {
    /// The bytes that are signed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { method, path, timestamp, nonce, body_sha256 } = self;
        format!("{method}:{path}:{timestamp}:{nonce}:{}", hex::encode(body_sha256)).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MachineId;
    use proptest::prelude::*;

    const ID: &str = "0b64c4f0-5d6f-4d5e-9c7e-3f1f6f3f0a11";

    fn signature() -> String {
        STANDARD.encode([7; 64])
    }

    fn parse(
        id: &str,
        timestamp: &str,
        nonce: &str,
        signature: &str,
    ) -> Result<SignedHeaders<MachineId>, MalformedHeader> {
        SignedHeaders::parse(|name| {
            Some(match name {
                header::MACHINE_ID => id,
                header::TIMESTAMP => timestamp,
                header::NONCE => nonce,
                _ => signature,
            })
        })
    }

    #[test]
    fn published_vector() {
        let empty = hex::decode("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855").unwrap();
        let text = SigningText {
            method: "GET",
            path: "/v1/secret/sk_a1b2c3d4e5",
            timestamp: "1700000000",
            nonce: "AAECAwQFBgcICQoLDA0ODw==",
            body_sha256: &empty.try_into().unwrap(),
        };
        assert_eq!(
            text.to_bytes(),
            b"GET:/v1/secret/sk_a1b2c3d4e5:1700000000:AAECAwQFBgcICQoLDA0ODw==:\
              e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn well_formed_headers_parse() {
        let headers = parse(&ID.to_uppercase(), "1700000000", "0123456789abcdef", &signature()).unwrap();
        assert_eq!(headers.identity.to_string(), ID);
        assert_eq!(headers.timestamp.seconds(), 1_700_000_000);
        assert_eq!(headers.nonce.as_str(), "0123456789abcdef");
        assert_eq!(headers.signature, [7; 64]);
    }

    #[test]
    fn each_malformed_header_is_named() {
        let good = signature();
        let long = "n".repeat(129);
        let short = "A".repeat(87);
        for (id, time, nonce, sig, name) in [
            ("m_golden", "1", "12345678", good.as_str(), header::MACHINE_ID),
            (ID, "", "12345678", &good, header::TIMESTAMP),
            (ID, "-1", "12345678", &good, header::TIMESTAMP),
            (ID, "1.5", "12345678", &good, header::TIMESTAMP),
            (ID, "99999999999999999999", "12345678", &good, header::TIMESTAMP),
            (ID, "1", "1234567", &good, header::NONCE),
            (ID, "1", &long, &good, header::NONCE),
            (ID, "1", "1234567\u{7f}", &good, header::NONCE),
            (ID, "1", "12345678", "", header::SIGNATURE),
            (ID, "1", "12345678", &short, header::SIGNATURE),
            (ID, "1", "12345678", &good.replace("==", "  "), header::SIGNATURE),
        ] {
            assert_eq!(parse(id, time, nonce, sig), Err(MalformedHeader(name)), "{id} {time} {nonce} {sig}");
        }
    }

    #[test]
    fn nonce_bounds() {
        assert!("12345678".parse::<Nonce>().is_ok());
        assert!("~".repeat(128).parse::<Nonce>().is_ok());
    }

    proptest! {
        #[test]
        fn parsing_never_panics(id in ".{0,50}", time in ".{0,30}", nonce in ".{0,140}", sig in ".{0,100}") {
            let _ = parse(&id, &time, &nonce, &sig);
        }
    }
}
