//! Between items and types: `serde_dynamo` knows how types are written as attributes; here its attributes become ours.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_dynamo::{AttributeValue, Error};

use super::item::{Item, Name, Value};

/// A value of any type.
pub(crate) fn to_value(value: &(impl Serialize + ?Sized)) -> Result<Value, Error> {
    serde_dynamo::to_attribute_value(value)
}

/// A struct's or a map's entries.
pub(crate) fn to_item(value: &(impl Serialize + ?Sized)) -> Result<Item, Error> {
    serde_dynamo::to_item(value)
}

/// A type from its attributes. Attributes that the type does not know are ignored.
pub(crate) fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, Error> {
    serde_dynamo::from_item(serde_dynamo::Item::from(item))
}

impl From<AttributeValue> for Value {
    fn from(value: AttributeValue) -> Self {
        match value {
            AttributeValue::S(text) => Self::S(text),
            AttributeValue::N(number) => Self::N(number),
            AttributeValue::B(bytes) => Self::B(bytes),
            AttributeValue::Bool(is) => Self::Bool(is),
            AttributeValue::Null(_) => Self::Null,
            AttributeValue::Ss(texts) => Self::Ss(texts),
            AttributeValue::Ns(numbers) => Self::Ns(numbers),
            AttributeValue::Bs(blobs) => Self::Bs(blobs),
            AttributeValue::L(list) => Self::L(list.into_iter().map(Self::from).collect()),
            AttributeValue::M(map) => Self::M(serde_dynamo::Item::from(map).into()),
        }
    }
}

impl From<Value> for AttributeValue {
    fn from(value: Value) -> Self {
        match value {
            Value::S(text) => Self::S(text),
            Value::N(number) => Self::N(number),
            Value::B(bytes) => Self::B(bytes),
            Value::Bool(is) => Self::Bool(is),
            Value::Null => Self::Null(true),
            Value::Ss(texts) => Self::Ss(texts),
            Value::Ns(numbers) => Self::Ns(numbers),
            Value::Bs(blobs) => Self::Bs(blobs),
            Value::L(list) => Self::L(list.into_iter().map(Self::from).collect()),
            Value::M(item) => Self::M(serde_dynamo::Item::from(item).into_inner()),
        }
    }
}

impl From<serde_dynamo::Item> for Item {
    fn from(item: serde_dynamo::Item) -> Self {
        item.into_inner().into_iter().map(|(name, value)| (Name::Owned(name), value.into())).collect()
    }
}

impl From<Item> for serde_dynamo::Item {
    fn from(item: Item) -> Self {
        let attributes = item.into_iter().map(|(name, value)| (name.into_owned(), AttributeValue::from(value)));
        Self::from(attributes.collect::<std::collections::HashMap<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::net::IpAddr;

    use protocol::{MachineId, ProjectId};
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Plain {
        TheFirst,
        TheSecond,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Holding {
        Nothing,
        One(u64),
        Two(u8, String),
        Fields { at: i64 },
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Wrapped(u64);

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Inner {
        by_whom: Option<String>,
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Everything {
        text: String,
        small: u8,
        large: u64,
        below: i64,
        part: f64,
        yes: bool,
        there: Option<u64>,
        missing: Option<String>,
        id: ProjectId,
        machine: MachineId,
        address: IpAddr,
        plain: Plain,
        held: Vec<Holding>,
        wrapped: Wrapped,
        names: BTreeSet<String>,
        by_id: BTreeMap<ProjectId, Plain>,
        by_number: BTreeMap<u64, bool>,
        by_plain: BTreeMap<Plain, u64>,
        pair: (u64, String),
        #[serde(flatten)]
        inner: Inner,
    }

    fn everything() -> Everything {
        let id = ProjectId::from_entropy([7; 16]);
        Everything {
            text: "a text".to_owned(),
            small: 255,
            large: u64::MAX,
            below: -3,
            part: 1.5,
            yes: true,
            there: Some(0),
            missing: None,
            id,
            machine: MachineId::from_entropy([1; 16]),
            address: "192.0.2.1".parse().unwrap(),
            plain: Plain::TheSecond,
            held: vec![
                Holding::Nothing,
                Holding::One(1),
                Holding::Two(2, "two".to_owned()),
                Holding::Fields { at: -1 },
            ],
            wrapped: Wrapped(9),
            names: ["a".to_owned(), "b".to_owned()].into(),
            by_id: [(id, Plain::TheFirst)].into(),
            by_number: [(7, false)].into(),
            by_plain: [(Plain::TheFirst, 1)].into(),
            pair: (1, "one".to_owned()),
            inner: Inner { by_whom: None, bytes: vec![0, 255] },
        }
    }

    fn text(text: &str) -> Value {
        Value::S(text.to_owned())
    }

    fn decimal(text: &str) -> Value {
        Value::N(text.to_owned())
    }

    fn map(entries: &[(&'static str, Value)]) -> Value {
        Value::M(entries.iter().map(|(name, value)| (Name::Borrowed(*name), value.clone())).collect())
    }

    /// What is in the tables of every deployment is written like this; it is never edited.
    #[test]
    fn types_are_written_as_they_always_were() {
        let there = everything();
        let (id, machine) = (there.id.to_string(), there.machine.to_string());
        let written = [
            ("text", text("a text")),
            ("small", decimal("255")),
            ("large", decimal("18446744073709551615")),
            ("below", decimal("-3")),
            ("part", decimal("1.5")),
            ("yes", Value::Bool(true)),
            ("there", decimal("0")),
            ("missing", Value::Null),
            ("id", text(&id)),
            ("machine", text(&machine)),
            ("address", text("192.0.2.1")),
            ("plain", text("the_second")),
            (
                "held",
                Value::L(vec![
                    text("Nothing"),
                    map(&[("One", decimal("1"))]),
                    map(&[("Two", Value::L(vec![decimal("2"), text("two")]))]),
                    map(&[("Fields", map(&[("at", decimal("-1"))]))]),
                ]),
            ),
            ("wrapped", decimal("9")),
            ("names", Value::L(vec![text("a"), text("b")])),
            ("byNumber", map(&[("7", Value::Bool(false))])),
            ("byPlain", map(&[("the_first", decimal("1"))])),
            ("pair", Value::L(vec![decimal("1"), text("one")])),
            ("byWhom", Value::Null),
            ("bytes", Value::B(vec![0, 255])),
        ];
        let mut item = to_item(&there).unwrap();
        let by_id = Value::M([(Name::Owned(id), text("the_first"))].into_iter().collect());
        assert!(item.take("byId") == Some(by_id));
        for (name, value) in written {
            assert!(item.take(name) == Some(value), "{name}");
        }
        assert!(item.is_empty(), "{item:?}");
    }

    #[test]
    fn what_was_written_is_read_whatever_else_is_there() {
        let mut item = to_item(&everything()).unwrap();
        item.set("pk", "PROJECT#1");
        item.set("ttl", 7);
        assert_eq!(from_item::<Everything>(item.clone()).unwrap(), everything());
        // What is absent was left out when the row was written.
        item.take("missing");
        item.take("byWhom");
        assert_eq!(from_item::<Everything>(item).unwrap(), everything());
    }

    /// Sets are written by updates that add to them.
    #[test]
    fn sets_are_read_like_lists() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Sets {
            texts: BTreeSet<String>,
            numbers: BTreeSet<u64>,
        }
        let mut item = Item::default();
        item.set("texts", Value::Ss(vec!["b".to_owned(), "a".to_owned()]));
        item.set("numbers", Value::Ns(vec!["2".to_owned()]));
        let sets = Sets { texts: ["a".to_owned(), "b".to_owned()].into(), numbers: [2].into() };
        assert_eq!(from_item::<Sets>(item).unwrap(), sets);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for (name, value) in [
            ("text", decimal("1")),
            ("text", Value::Null),
            ("small", decimal("256")),
            ("small", decimal("-1")),
            ("small", decimal("x")),
            ("small", text("1")),
            ("yes", text("true")),
            ("id", text("nonsense")),
            ("plain", text("the_third")),
            ("held", Value::L(vec![map(&[("One", decimal("1")), ("Two", decimal("2"))])])),
            ("held", Value::L(vec![text("One")])),
            ("held", text("Nothing")),
            ("byNumber", map(&[("x", Value::Bool(true))])),
            ("bytes", decimal("1")),
        ] {
            let mut item = to_item(&everything()).unwrap();
            item.set(name, value.clone());
            assert!(from_item::<Everything>(item).is_err(), "{name} {value:?}");
        }
        for name in ["text", "small", "held", "bytes"] {
            let mut item = to_item(&everything()).unwrap();
            item.take(name);
            assert!(from_item::<Everything>(item).is_err(), "without {name}");
        }
        assert!(to_item(&7).is_err());
        assert!(to_item(&BTreeMap::from([((1, 2), 3)])).is_err());
    }
}
