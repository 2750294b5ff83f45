//! The rules of enrollment: which host a token may enroll, and what its machine is called.

use std::net::IpAddr;

use regex_lite::{Regex, RegexBuilder};

use crate::Time;
use crate::limits::{self, Invalid};
use crate::nouns::EnrollmentToken;

/// Bounds of a token's and a machine's lifetime, in seconds (60 s to 365 days).
pub const LIFETIME_SECONDS: std::ops::RangeInclusive<u64> = 60..=31_536_000;
/// Bounds of a token's uses.
pub const USES: std::ops::RangeInclusive<u64> = 1..=10_000;
/// Most projects and secrets together that a token may name: an enrollment writes them all in one transaction, which
/// the store limits to 100 rows.
pub const NAMED: usize = 90;
/// Most characters in a host name pattern.
const PATTERN: usize = 512;

/// Why an enrollment is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Unknown, expired, revoked, or of another vault.
    #[error("Authentication failed")]
    NotValid,
    /// The source address is not in the token's range.
    #[error("This address may not use the enrollment token")]
    Address,
    /// The host name does not match the token's pattern.
    #[error("This host name may not use the enrollment token")]
    Hostname,
    /// All its uses are used.
    #[error("The enrollment token is used up")]
    UsedUp,
}

/// Whether this host may enroll with this token now.
pub fn decide(token: &EnrollmentToken, hostname: &str, address: IpAddr, now: Time) -> Result<(), Refusal> {
    if token.revoked.is_some() || token.expires_at <= now {
        return Err(Refusal::NotValid);
    }
    if token.source_cidr.is_some_and(|range| !range.contains(&address)) {
        return Err(Refusal::Address);
    }
    // A stored pattern was compiled before it was stored; one that no longer compiles matches nothing.
    let matches = |pattern: &String| hostname_pattern(pattern).is_ok_and(|regex| regex.is_match(hostname));
    if !token.hostname_pattern.as_ref().is_none_or(matches) {
        return Err(Refusal::Hostname);
    }
    if token.uses >= token.max_uses { Err(Refusal::UsedUp) } else { Ok(()) }
}

/// Compiles a pattern that the whole host name has to match. The engine takes linear time.
pub fn hostname_pattern(pattern: &str) -> Result<Regex, Invalid> {
    let invalid =
        || Invalid::new("hostnamePattern", format!("must be a regular expression of at most {PATTERN} characters"));
    // By itself first: a pattern with a bracket too many must not reach around the anchors.
    if pattern.chars().count() > PATTERN || Regex::new(pattern).is_err() {
        return Err(invalid());
    }
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 20).build().map_err(|_| invalid())
}

/// What a template for names can hold.
const PLACES: [&str; 3] = ["{uuid8}", "{hostname}", "{n}"];
/// What a template for names may not hold elsewhere: it is no regular expression, and one that was meant as such would be
/// taken literally.
const NOT_IN_NAMES: &[char] = &['{', '}', '[', ']', '(', ')', '*', '+', '?', '|', '^', '$', '\\'];

/// Checks a template for names: text with one of `{uuid8}`, `{hostname}` and `{n}` at least.
pub fn name_pattern(pattern: &str) -> Result<(), Invalid> {
    limits::name("namePattern", pattern, limits::NAME)?;
    let rest = PLACES.iter().fold(pattern.to_owned(), |rest, place| rest.replace(place, ""));
    if rest.len() == pattern.len() || rest.contains(NOT_IN_NAMES) {
        let problem = "must be a text with {uuid8}, {hostname} or {n} in it, such as ci-{hostname}-{n}; it is no regular \
                       expression and holds no other character of {}[]()*+?|^$\\";
        return Err(Invalid::new("namePattern", problem));
    }
    Ok(())
}

/// Whether the names of a token's machines carry their number, so that each needs one of its own.
#[must_use]
pub fn is_numbered(token: &EnrollmentToken) -> bool {
    token.name_pattern.as_ref().is_some_and(|pattern| pattern.contains("{n}"))
}

/// The name of the machine that a token enrolls: its template, else the name asked for, else the host's.
/// `uuid8` is the first eight characters of its id, `n` the number of this enrollment, from 1.
#[must_use]
pub fn machine_name(token: &EnrollmentToken, asked: Option<&str>, hostname: &str, uuid8: &str, n: u64) -> String {
    let name = match &token.name_pattern {
        // The host name goes in last, so that braces in it are left alone. A long one is cut, so that the rest stays.
        Some(pattern) => {
            let rest = pattern.replace("{uuid8}", uuid8).replace("{n}", &n.to_string());
            let hosts = rest.matches("{hostname}").count();
            let around = rest.chars().count().saturating_sub(hosts * "{hostname}".len());
            let space = limits::NAME.saturating_sub(around).checked_div(hosts).unwrap_or(0);
            rest.replace("{hostname}", &hostname.chars().take(space).collect::<String>())
        }
        None => asked.unwrap_or(hostname).to_owned(),
    };
    name.chars().take(limits::NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nouns::{EnrollmentTokenId, Revocation};
    use crypto::{OneTimeToken, TokenHash};
    use protocol::VaultId;

    const NOW: Time = Time::from_ms(1_000_000);

    fn token() -> EnrollmentToken {
        EnrollmentToken {
            id: EnrollmentTokenId::from_entropy([1; 16]),
            hash: TokenHash::of_enrollment_text(&OneTimeToken::make().to_enrollment_text()).unwrap(),
            vault: VaultId::from_entropy([1; 16]),
            name: "ci".into(),
            description: None,
            project_ids: vec![],
            secret_ids: vec![],
            machine_lifetime_seconds: 600,
            max_uses: 2,
            uses: 0,
            source_cidr: Some("192.0.2.0/24".parse().unwrap()),
            hostname_pattern: Some("runner-[0-9]+".into()),
            name_pattern: None,
            expires_at: NOW.plus_seconds(1),
            revoked: None,
            last_used_at: None,
            created_at: NOW,
        }
    }

    #[test]
    fn each_condition_has_its_refusal() {
        let address = "192.0.2.7".parse().unwrap();
        let at = |token: &EnrollmentToken| decide(token, "runner-7", address, NOW);
        assert_eq!(at(&token()), Ok(()));
        assert_eq!(at(&EnrollmentToken { expires_at: NOW, ..token() }), Err(Refusal::NotValid));
        let revoked = Some(Revocation { at: NOW, reason: None });
        assert_eq!(at(&EnrollmentToken { revoked, ..token() }), Err(Refusal::NotValid));
        assert_eq!(at(&EnrollmentToken { uses: 2, ..token() }), Err(Refusal::UsedUp));
        assert_eq!(decide(&token(), "runner-7", "198.51.100.1".parse().unwrap(), NOW), Err(Refusal::Address));
        for hostname in ["runner-", "xrunner-7", "runner-7x", "runner-7\n", ""] {
            assert_eq!(decide(&token(), hostname, address, NOW), Err(Refusal::Hostname), "{hostname:?}");
        }
    }

    #[test]
    fn patterns_are_matched_whole_and_bounded() {
        assert!(!hostname_pattern("a|b").unwrap().is_match("ab"));
        assert!(hostname_pattern("(").is_err());
        assert!(hostname_pattern("a)|(?:b").is_err());
        assert!(hostname_pattern("(((a{100}){100}){100})").is_err());
        assert!(hostname_pattern(&"a".repeat(513)).is_err());
    }

    #[test]
    fn names_come_from_the_template() {
        let named = EnrollmentToken { name_pattern: Some("w-{uuid8}-{hostname}-{n}".into()), ..token() };
        assert_eq!(machine_name(&named, Some("asked"), "{n}host", "0123abcd", 3), "w-0123abcd-{n}host-3");
        assert_eq!(machine_name(&token(), Some("asked"), "host", "0123abcd", 3), "asked");
        assert_eq!(machine_name(&token(), None, "host", "0123abcd", 3), "host");
        let long = machine_name(&named, None, &"h".repeat(255), "0123abcd", 30);
        assert_eq!(long, format!("w-0123abcd-{}-30", "h".repeat(241)));
        assert_eq!(long.chars().count(), 255);
        for good in ["w-{uuid8}", "{n}", "{hostname}.{hostname}", "ci {n} / x"] {
            assert!(name_pattern(good).is_ok(), "{good}");
        }
        for bad in
            ["w-{uuid}", "ci", "", "ci-[0-9]+-{n}", "^{hostname}", "{n}\\", "{n}?", "a|{n}", "({n})", "{n}$", "{n}*"]
        {
            assert!(name_pattern(bad).is_err(), "{bad}");
        }
    }
}
