//! Which input is accepted: lengths, alphabets and shapes (decisions 5, agent-protocol 6). Lengths of names and texts count
//! characters, sizes of values count bytes.

use std::net::IpAddr;

use crypto::{Charset, Generator, Plaintext};
use ipnet::IpNet;
use unicode_general_category::get_general_category;

use crate::Time;
use crate::audit::Action;

/// Input that is well formed but not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct Invalid {
    /// The field, as it is called on the wire.
    pub field: &'static str,
    /// What is wrong and what would be right. Never the input itself.
    pub problem: String,
}

impl Invalid {
    /// A field and what is wrong with it.
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }
}

/// Most characters in any other name.
pub const NAME: usize = 255;
/// Most characters in notes, descriptions, labels and reasons.
pub const TEXT: usize = 2_048;
/// Most bytes in a secret's value (64 KiB).
pub const VALUE_BYTES: usize = 64 * 1_024;
/// Most fields in a structured value.
pub const FIELDS: usize = 64;
/// Most characters in a field's name.
pub const FIELD_NAME: usize = 128;

/// Most characters in a password.
const PASSWORD: usize = 1_024;

/// Whether a character is seen by nobody, or makes a line of text be read in another order than it stands: Unicode's
/// categories of control and format characters and of separators of lines and paragraphs.
fn is_hidden(char: char) -> bool {
    use unicode_general_category::GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator};
    matches!(get_general_category(char), Control | Format | LineSeparator | ParagraphSeparator)
}

/// A name: 1 to `most` characters, none of them hidden, and not only white space.
pub fn name(field: &'static str, text: &str, most: usize) -> Result<String, Invalid> {
    let fits = (1..=most).contains(&text.chars().count()) && !text.chars().any(is_hidden) && !text.trim().is_empty();
    if fits {
        return Ok(text.to_owned());
    }
    let problem = format!("must be 1 to {most} characters, not only spaces, without control and format characters");
    Err(Invalid::new(field, problem))
}

/// An optional text for people; an empty one counts as none.
pub fn text(field: &'static str, text: Option<&str>) -> Result<Option<String>, Invalid> {
    match text {
        None | Some("") => Ok(None),
        Some(text) if text.chars().count() <= TEXT => Ok(Some(text.to_owned())),
        Some(_) => Err(Invalid::new(field, format!("must be at most {TEXT} characters"))),
    }
}

/// A text that somebody writes to somebody: not empty, with lines.
pub fn message(field: &'static str, text: &str, most: usize) -> Result<String, Invalid> {
    if (1..=most).contains(&text.chars().count()) && !text.trim().is_empty() {
        return Ok(text.to_owned());
    }
    Err(Invalid::new(field, format!("must be 1 to {most} characters, not only spaces")))
}

/// Whether a text is a media type without parameters, as `text/plain` (RFC 9110, section 8.3.1).
#[must_use]
pub fn is_media_type(text: &str) -> bool {
    let is_token = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    text.len() <= 127 && text.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub))
}

/// A secret's value: 1 byte to 64 KiB of UTF-8 (which a JSON string always is).
pub fn value(value: &Plaintext) -> Result<(), Invalid> {
    if (1..=VALUE_BYTES).contains(&value.len()) {
        Ok(())
    } else {
        Err(Invalid::new("value", format!("must be 1 to {VALUE_BYTES} bytes")))
    }
}

/// Field names of a structured secret, as the JSON array text that goes on the wire.
pub fn field_names(names: &[String]) -> Result<String, Invalid> {
    if !(1..=FIELDS).contains(&names.len()) {
        return Err(Invalid::new("fieldNames", format!("must list 1 to {FIELDS} names")));
    }
    for (position, name) in names.iter().enumerate() {
        let fits = (1..=FIELD_NAME).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if !fits {
            let problem = format!("must be names of 1 to {FIELD_NAME} letters, digits, underscores, dots and dashes");
            return Err(Invalid::new("fieldNames", problem));
        }
        if names.iter().take(position).any(|earlier| earlier == name) {
            return Err(Invalid::new("fieldNames", "must not list a name twice"));
        }
    }
    serde_json::to_string(names).map_err(|_| Invalid::new("fieldNames", "must be a list of names"))
}

/// A CIDR range; a bare address counts as a range of one. Host bits are cleared, and IPv4 in IPv6 clothes is IPv4, as it
/// is where addresses of requests are read.
pub fn cidr(field: &'static str, text: &str) -> Result<IpNet, Invalid> {
    let range = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let range = range.ok_or_else(|| Invalid::new(field, "must be an IPv4 or IPv6 address or CIDR range"))?;
    let mapped = match range {
        IpNet::V6(range) if range.prefix_len() >= 96 => {
            range.addr().to_ipv4_mapped().map(|a| (a, range.prefix_len() - 96))
        }
        _ => None,
    };
    let range = mapped.and_then(|(address, length)| IpNet::new(address.into(), length).ok()).unwrap_or(range);
    Ok(range.trunc())
}

/// Actions by their names, each once, in the order of the catalogue.
pub fn actions(field: &'static str, names: &[String]) -> Result<Vec<Action>, Invalid> {
    let of = |name: &String| Action::ALL.iter().copied().find(|action| action.kind().name == name);
    let chosen: Option<Vec<Action>> = names.iter().map(of).collect();
    let unknown = || Invalid::new(field, "must be names of actions; GET audit/actions lists them");
    let chosen = chosen.ok_or_else(unknown)?;
    Ok(Action::ALL.iter().copied().filter(|action| chosen.contains(action)).collect())
}

/// What a generated value is made of, if its length is within bounds.
pub fn generator(length: Option<u64>, charset: Option<Charset>) -> Result<Generator, Invalid> {
    let default = Generator::default();
    let length = length.map(|length| number("length", length, Generator::LENGTH)).transpose()?;
    Ok(Generator {
        length: length.and_then(|length| usize::try_from(length).ok()).unwrap_or(default.length),
        charset: charset.unwrap_or(default.charset),
    })
}

/// A time that was not meant in seconds: read as milliseconds those are of before 2001 (decisions 14). Smaller numbers mean
/// the beginning.
pub fn milliseconds(field: &'static str, time: Time) -> Result<(), Invalid> {
    if (1_000_000..978_307_200_000).contains(&time.ms()) {
        return Err(Invalid::new(field, "must be epoch milliseconds; this looks like seconds"));
    }
    Ok(())
}

/// A whole number inside bounds.
pub fn number(field: &'static str, number: u64, bounds: std::ops::RangeInclusive<u64>) -> Result<u64, Invalid> {
    if bounds.contains(&number) {
        Ok(number)
    } else {
        Err(Invalid::new(field, format!("must be {} to {}", bounds.start(), bounds.end())))
    }
}

/// An e-mail address, in lower case and without space around it: an RFC 5321 dot-atom, and a domain of letters, digits and
/// hyphens. Whether it receives mail shows when mail is sent to it.
pub fn email(text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    let atom = |part: &str| {
        let special = b"!#$%&'*+-/=?^_`{|}~";
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || special.contains(&byte))
    };
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let fits = text.len() <= 254
        && text.split_once('@').is_some_and(|(local, domain)| {
            local.len() <= 64 && local.split('.').all(atom) && domain.contains('.') && domain.split('.').all(label)
        });
    if fits {
        return Ok(text.to_lowercase());
    }
    let problem = "must be an e-mail address such as ann@example.org; a domain in other letters is written as xn--…";
    Err(Invalid::new("email", problem))
}

/// A new password: 12 to 1,024 characters, with a digit and a special character.
pub fn new_password(field: &'static str, password: &Plaintext) -> Result<(), Invalid> {
    let text = password.expose_str().unwrap_or_default();
    if text.chars().count() > PASSWORD {
        return Err(Invalid::new(field, format!("is too long: at most {PASSWORD} characters")));
    }
    let fits = text.chars().count() >= 12
        && text.chars().any(|c| c.is_ascii_digit())
        && text.chars().any(|c| !c.is_alphanumeric());
    if fits {
        Ok(())
    } else {
        Err(Invalid::new(field, "must be at least 12 characters with a digit and a special character"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plaintext(text: &str) -> Plaintext {
        Plaintext::new(text.as_bytes().to_vec())
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn at_the_limit_passes_and_one_past_it_fails() {
        assert!(name("name", &"\u{e4}".repeat(NAME), NAME).is_ok());
        assert!(name("name", &"\u{e4}".repeat(NAME + 1), NAME).is_err());
        assert!(name("name", "", NAME).is_err());
        assert!(name("name", "a\nb", NAME).is_err());
        // Seen by nobody, or read in another order than it stands.
        for hidden in ["\u{200b}", "a\u{202e}b", "\u{2028}", "a\u{feff}", "a\u{ad}", "  ", "\u{a0}"] {
            assert!(name("name", hidden, NAME).is_err(), "{hidden:?}");
        }
        assert!(name("name", "\u{65e5}\u{672c} api key \u{1f511}", NAME).is_ok());
        assert_eq!(text("note", Some("")), Ok(None));
        assert!(text("note", Some(&"n".repeat(TEXT))).is_ok());
        assert!(text("note", Some(&"n".repeat(TEXT + 1))).is_err());
        assert!(value(&plaintext(&"v".repeat(VALUE_BYTES))).is_ok());
        assert!(value(&plaintext(&"v".repeat(VALUE_BYTES + 1))).is_err());
        assert!(value(&plaintext("")).is_err());
        let many: Vec<String> = (0..=FIELDS).map(|n| format!("f{n}")).collect();
        assert!(field_names(&many).is_err());
        assert!(field_names(&many[1..]).is_ok());
        assert!(field_names(&[]).is_err());
        assert!(field_names(&[String::new()]).is_err());
        assert!(field_names(&["f".repeat(FIELD_NAME)]).is_ok());
        assert!(field_names(&["f".repeat(FIELD_NAME + 1)]).is_err());
    }

    #[test]
    fn field_names_are_json_text_in_the_order_given() {
        assert_eq!(field_names(&names(&["user-name", "password"])).unwrap(), r#"["user-name","password"]"#);
        assert!(field_names(&names(&["a", "a"])).is_err());
        assert!(field_names(&names(&["a b"])).is_err());
    }

    #[test]
    fn ranges() {
        assert_eq!(cidr("cidr", "192.0.2.7").unwrap().to_string(), "192.0.2.7/32");
        assert_eq!(cidr("cidr", "192.0.2.7/24").unwrap().to_string(), "192.0.2.0/24");
        assert_eq!(cidr("cidr", "2001:db8::1").unwrap().to_string(), "2001:db8::1/128");
        assert_eq!(cidr("cidr", "::ffff:192.0.2.7/120").unwrap().to_string(), "192.0.2.0/24");
        for text in ["", "192.0.2.0/33", "192.0.2", "::/129", "example.org", "192.0.2.7/24 "] {
            assert!(cidr("cidr", text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_and_passwords() {
        assert_eq!(email("Ann@Example.org").unwrap(), "ann@example.org");
        assert_eq!(email(" ann.b+c@mail.xn--bcher-kva.example\n").unwrap(), "ann.b+c@mail.xn--bcher-kva.example");
        for text in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "ann@example",
            "a b@example.org",
            "a@b@example.org",
            ".ann@example.org",
            "ann.@example.org",
            "a..b@example.org",
            "\"a\"@example.org",
            "ann@-a.org",
            "ann@a-.org",
            "ann@a..org",
            "ann@example.org.",
            "\u{e4}@example.org",
            "ann@b\u{fc}cher.example",
            "ann@[192.0.2.1]",
            "ann@exa_mple.org",
            &format!("{}@example.org", "a".repeat(65)),
            &format!("ann@{}.org", "a".repeat(64)),
        ] {
            assert!(email(text).is_err(), "{text}");
        }
        let long = new_password("password", &plaintext(&format!("1!{}", "x".repeat(1_023)))).unwrap_err();
        assert!(long.to_string().contains("too long"), "{long}");
        assert!(new_password("password", &plaintext(&format!("1!{}", "\u{e4}".repeat(1_022)))).is_ok());
        assert!(new_password("password", &plaintext("abcdefghij1!")).is_ok());
        for text in ["abcdefghi1!", "abcdefghijk!", "abcdefghijk1", &format!("1!{}", "x".repeat(1_023))] {
            assert!(new_password("password", &plaintext(text)).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsers_never_panic(text in ".{0,80}") {
            let _ = cidr("cidr", &text);
            let _ = email(&text);
        }
    }
}
