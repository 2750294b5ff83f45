//! Codes of authenticator apps: TOTP (RFC 6238) with SHA-1, six digits and 30 seconds, which is what every app takes.

use std::fmt::Write as _;

use totp_rs::{Algorithm, Builder, Secret};
use zeroize::Zeroizing;

use crate::{Plaintext, random};

/// Length of a seed, bytes: as long as a SHA-1 (RFC 4226, section 4).
const SEED_BYTES: usize = 20;
/// How long a code is shown, seconds.
const STEP_SECONDS: u64 = 30;
/// How many steps a clock may be wrong (RFC 6238, section 5.2).
const STEPS_OFF: u16 = 1;

/// A new seed.
#[must_use]
pub fn make_seed() -> Plaintext {
    Plaintext::new(random::bytes::<SEED_BYTES>().to_vec())
}

/// The seed as people type it into an app: base32 without padding.
#[must_use]
pub fn base32(seed: &Plaintext) -> Zeroizing<String> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = Zeroizing::new(String::with_capacity(SEED_BYTES * 8 / 5));
    for five in seed.expose().chunks(5) {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for at in (0..8).rev() {
            let index = usize::try_from(bits >> (5 * at) & 31).unwrap_or_default();
            text.push(ALPHABET.get(index).copied().map_or('A', char::from));
        }
    }
    text
}

/// The time step of a code, if it is one of this seed and of now or the step before or after. A step may be taken once:
/// the caller keeps the last one and takes later ones only.
pub fn step_of(seed: &Plaintext, code: &str, now_seconds: u64) -> Option<u64> {
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(STEPS_OFF)
        .with_step_duration(STEP_SECONDS)
        .with_secret(Secret::new(seed.expose().into()))
        .build()
        .ok()?;
    totp.check(code, now_seconds)
}

/// The `otpauth:` address of a seed, which apps take as a QR code.
#[must_use]
pub fn otpauth(seed: &Plaintext, account: &str) -> Zeroizing<String> {
    let mut label = String::with_capacity(account.len() * 3);
    for byte in account.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            label.push(char::from(byte));
        } else {
            let _ = write!(label, "%{byte:02X}");
        }
    }
    let secret = base32(seed);
    Zeroizing::new(format!(
        "otpauth://totp/SikkerKey:{label}?secret={}&issuer=SikkerKey&algorithm=SHA1&digits=6&period=30",
        *secret
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed of RFC 6238, appendix B, and the last six digits of its codes.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let seed = Plaintext::new(b"12345678901234567890".to_vec());
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = seconds / 30;
            assert_eq!(step_of(&seed, code, seconds), Some(step), "{code}");
            assert_eq!(step_of(&seed, code, seconds + 30), Some(step), "a step late: {code}");
            assert_eq!(step_of(&seed, code, seconds + 60), None, "two steps late: {code}");
            assert_eq!(step_of(&seed, code, (step - 1) * 30), Some(step), "a step early: {code}");
        }
        for wrong in ["", "287083", "28708", "0287082", "-287082", "abcdef"] {
            assert_eq!(step_of(&seed, wrong, 59), None, "{wrong}");
        }
        assert_eq!(*base32(&seed), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            *otpauth(&seed, "ann+x@example.org"),
            "otpauth://totp/SikkerKey:ann%2Bx@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=SikkerKey&algorithm=SHA1&digits=6&period=30"
        );
        assert_eq!(make_seed().len(), SEED_BYTES);
    }
}
