//! Items in DynamoDB's JSON, as the events of a stream bring them.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine as _};
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;
use store::{Item, Value};

/// An item that is read from JSON: `{"name": {"S": "text"}}`.
#[derive(Debug)]
pub struct Image(pub Item);

impl<'de> Deserialize<'de> for Image {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let attributes = BTreeMap::<String, Typed>::deserialize(deserializer)?;
        let item = attributes.into_iter().map(|(name, value)| Ok((name.into(), value.try_into()?)));
        item.collect::<Result<_, DecodeError>>().map(Self).map_err(de::Error::custom)
    }
}

/// A value under the name of its type.
#[derive(Deserialize)]
enum Typed {
    S(String),
    N(String),
    B(String),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "NULL")]
    Null(#[expect(dead_code, reason = "it is always true")] bool),
    #[serde(rename = "SS")]
    Ss(Vec<String>),
    #[serde(rename = "NS")]
    Ns(Vec<String>),
    #[serde(rename = "BS")]
    Bs(Vec<String>),
    L(Vec<Typed>),
    M(Image),
}

impl TryFrom<Typed> for Value {
    type Error = DecodeError;

    fn try_from(typed: Typed) -> Result<Self, Self::Error> {
        Ok(match typed {
            Typed::S(text) => Self::S(text),
            Typed::N(number) => Self::N(number),
            Typed::B(text) => Self::B(STANDARD.decode(text)?),
            Typed::Bool(value) => Self::Bool(value),
            Typed::Null(_) => Self::Null,
            Typed::Ss(texts) => Self::Ss(texts),
            Typed::Ns(numbers) => Self::Ns(numbers),
            Typed::Bs(texts) => Self::Bs(texts.iter().map(|text| STANDARD.decode(text)).collect::<Result<_, _>>()?),
            Typed::L(values) => Self::L(values.into_iter().map(Self::try_from).collect::<Result<_, _>>()?),
            Typed::M(Image(item)) => Self::M(item),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_read() {
        let image: Image = serde_json::from_str(
            r#"{"s": {"S": "a"}, "n": {"N": "-1.5"}, "b": {"B": "AQI="}, "t": {"BOOL": true}, "0": {"NULL": true},
                "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1"]}, "bs": {"BS": ["AQ=="]},
                "l": {"L": [{"S": "a"}, {"N": "1"}]}, "m": {"M": {"s": {"S": "b"}}}}"#,
        )
        .unwrap();
        let text = |text: &str| Value::S(text.to_owned());
        let inner: Item = [("s".into(), text("b"))].into_iter().collect();
        for (name, value) in [
            ("s", text("a")),
            ("n", Value::N("-1.5".to_owned())),
            ("b", Value::B(vec![1, 2])),
            ("t", Value::Bool(true)),
            ("0", Value::Null),
            ("ss", Value::Ss(vec!["a".to_owned(), "b".to_owned()])),
            ("ns", Value::Ns(vec!["1".to_owned()])),
            ("bs", Value::Bs(vec![vec![1]])),
            ("l", Value::L(vec![text("a"), Value::N("1".to_owned())])),
            ("m", Value::M(inner)),
        ] {
            assert!(image.0.get(name) == Some(&value), "{name}");
        }
        assert!(serde_json::from_str::<Image>(r#"{"b": {"B": "?"}}"#).is_err());
    }
}
