//! Structured values: several named fields as one flat JSON object of strings, encrypted as one.

use crypto::Plaintext;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use zeroize::Zeroizing;

use crate::limits::{FIELDS, Invalid};

/// A text is not a flat JSON object of strings with each key once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a flat JSON object of strings")]
pub struct NotStructured;

/// The fields of a structured value in clear, in the order given. They wipe themselves.
pub struct Fields(Vec<(String, Zeroizing<String>)>);

impl Fields {
    /// Reads a value.
    pub fn parse(value: &Plaintext) -> Result<Self, NotStructured> {
        let mut parser = serde_json::Deserializer::from_slice(value.expose());
        let fields = parser.deserialize_map(FlatObject).map_err(|_| NotStructured)?;
        parser.end().map_err(|_| NotStructured)?;
        Ok(Self(fields))
    }

    /// Reads a value whose fields must be exactly `names`.
    pub fn parse_exactly(value: &Plaintext, names: &[String]) -> Result<Self, Invalid> {
        let problem = "must be a flat JSON object whose values are all strings, each key once";
        let fields = Self::parse(value).map_err(|_| Invalid::new("value", problem))?;
        let same =
            fields.names().len() == names.len() && names.iter().all(|name| fields.names().any(|key| key == name));
        if same { Ok(fields) } else { Err(Invalid::new("value", "must have exactly the fields that fieldNames lists")) }
    }

    /// Made of these, in this order.
    #[must_use]
    pub fn of(fields: Vec<(String, Zeroizing<String>)>) -> Self {
        Self(fields)
    }

    /// The names, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Generates anew the fields that this picks by name and content; says whether there were any.
    pub fn generate(&mut self, make: impl Fn() -> Plaintext, pick: impl Fn(&str, &str) -> bool) -> bool {
        let mut any = false;
        for (name, content) in &mut self.0 {
            if pick(name, content) {
                let new = make();
                *content = Zeroizing::new(new.expose_str().unwrap_or_default().to_owned());
                any = true;
            }
        }
        any
    }

    /// The value as it is stored.
    #[must_use]
    pub fn to_value(&self) -> Plaintext {
        let size: usize = self.0.iter().map(|(name, content)| name.len() + content.len()).sum();
        // A buffer that grows leaves copies behind; this is enough unless much has to be escaped.
        let mut text = Vec::with_capacity(size * 2 + self.0.len() * 6 + 2);
        text.push(b'{');
        for (position, (name, content)) in self.0.iter().enumerate() {
            if position > 0 {
                text.push(b',');
            }
            // Strings always serialise, and writing to memory does not fail.
            let _ = serde_json::to_writer(&mut text, name);
            text.push(b':');
            let _ = serde_json::to_writer(&mut text, content.as_str());
        }
        text.push(b'}');
        Plaintext::new(text)
    }
}

/// Collects a flat object of strings; refuses anything else, a key that comes twice, and too many.
struct FlatObject;

impl<'de> Visitor<'de> for FlatObject {
    type Value = Vec<(String, Zeroizing<String>)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a flat object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields: Self::Value = Vec::new();
        while let Some((key, content)) = map.next_entry::<String, Zeroizing<String>>()? {
            if fields.len() >= FIELDS || fields.iter().any(|(known, _)| *known == key) {
                return Err(serde::de::Error::custom("a key twice, or too many"));
            }
            fields.push((key, content));
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plaintext(text: &str) -> Plaintext {
        Plaintext::new(text.as_bytes().to_vec())
    }

    #[test]
    fn exactly_the_named_fields() {
        let fields = ["user", "password"].map(str::to_owned);
        assert!(Fields::parse_exactly(&plaintext(r#" {"password":"p\u00e4","user":"u"} "#), &fields).is_ok());
        for text in [
            "",
            "{}",
            "[]",
            "\"user\"",
            r#"{"user":"u"}"#,
            r#"{"user":"u","password":"p","more":"m"}"#,
            r#"{"user":"u","password":1}"#,
            r#"{"user":"u","password":null}"#,
            r#"{"user":"u","password":{"a":"b"}}"#,
            r#"{"user":"u","password":"p","user":"v"}"#,
            r#"{"user":"u","password":"p"} {}"#,
            r#"{"user":"u","password":"p"}x"#,
            r#"{"user":"u","password":"p""#,
        ] {
            assert!(Fields::parse_exactly(&plaintext(text), &fields).is_err(), "{text}");
        }
    }

    #[test]
    fn chosen_fields_change_and_the_others_stay() {
        let mut fields = Fields::parse(&plaintext(r#"{"user":"\u00e4\"n","password":"old", "empty":""}"#)).unwrap();
        assert_eq!(fields.names().collect::<Vec<_>>(), ["user", "password", "empty"]);
        assert!(fields.generate(|| plaintext("new"), |name, _| name == "password"));
        assert!(fields.generate(|| plaintext("made"), |_, content| content.is_empty()));
        assert!(!fields.generate(|| plaintext("never"), |name, _| name == "other"));
        let value = fields.to_value();
        assert_eq!(value.expose_str().unwrap(), "{\"user\":\"ä\\\"n\",\"password\":\"new\",\"empty\":\"made\"}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(contents in proptest::collection::vec(".{0,40}", 1..8)) {
            let object: serde_json::Map<_, _> =
                contents.iter().enumerate().map(|(n, text)| (format!("f{n}"), text.clone().into())).collect();
            let text = serde_json::Value::Object(object.clone()).to_string();
            let written = Fields::parse(&plaintext(&text)).unwrap().to_value();
            prop_assert_eq!(serde_json::from_slice::<serde_json::Map<_, _>>(written.expose()).unwrap(), object);
        }

        #[test]
        fn parsing_never_panics(text in ".{0,80}") {
            let _ = Fields::parse(&plaintext(&text));
        }
    }
}
