//! Between items and types, by serde.
//!
//! A struct is a map of its fields; an absent option is `Null`, which whoever writes a row leaves out; a number is its
//! decimal text; bytes are bytes with `serde_bytes`; an enum's variant is its name, or a map from its name to what it
//! holds. Sets are read like lists, and written only by update expressions.

use std::fmt;
use std::vec;

use serde::de::value::{CowStrDeserializer, StringDeserializer};
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer as _, Visitor};
use serde::ser::{self, Serialize};

use super::item::{Item, Name, Value};

/// A type does not fit an item, or an item a type. The text may quote the item.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotAnItem(String);

impl ser::Error for NotAnItem {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

impl de::Error for NotAnItem {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

/// A value of any type.
pub(crate) fn to_value(value: &(impl Serialize + ?Sized)) -> Result<Value, NotAnItem> {
    value.serialize(Writer)
}

/// A struct's or a map's entries.
pub(crate) fn to_item(value: &(impl Serialize + ?Sized)) -> Result<Item, NotAnItem> {
    match to_value(value)? {
        Value::M(item) => Ok(item),
        _ => Err(NotAnItem("no attributes".to_owned())),
    }
}

/// A type from its attributes; those that it does not know are ignored.
pub(crate) fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, NotAnItem> {
    T::deserialize(Reader(Value::M(item)))
}

struct Writer;

/// What a variant holds, under its name.
fn named(variant: &'static str, value: Value) -> Value {
    Value::M(Item::from_iter([(Name::Borrowed(variant), value)]))
}

macro_rules! numbers {
    ($($method:ident $type:ty;)+) => {
        $(fn $method(self, value: $type) -> Result<Value, NotAnItem> {
            Ok(Value::N(value.to_string()))
        })+
    };
}

impl ser::Serializer for Writer {
    type Ok = Value;
    type Error = NotAnItem;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Elements;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    numbers! {
        serialize_i8 i8; serialize_i16 i16; serialize_i32 i32; serialize_i64 i64; serialize_i128 i128;
        serialize_u8 u8; serialize_u16 u16; serialize_u32 u32; serialize_u64 u64; serialize_u128 u128;
        serialize_f32 f32; serialize_f64 f64;
    }

    fn serialize_bool(self, value: bool) -> Result<Value, NotAnItem> {
        Ok(Value::Bool(value))
    }

    fn serialize_char(self, value: char) -> Result<Value, NotAnItem> {
        Ok(Value::S(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<Value, NotAnItem> {
        Ok(Value::S(value.to_owned()))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<Value, NotAnItem> {
        Ok(Value::S(value.to_string()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value, NotAnItem> {
        Ok(Value::B(value.to_vec()))
    }

    fn serialize_none(self) -> Result<Value, NotAnItem> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, NotAnItem> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, NotAnItem> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, NotAnItem> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, NotAnItem> {
        Ok(Value::S(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Value, NotAnItem> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, NotAnItem> {
        Ok(named(variant, value.serialize(self)?))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Elements, NotAnItem> {
        Ok(Elements { values: Vec::with_capacity(length.unwrap_or_default()), variant: None })
    }

    fn serialize_tuple(self, length: usize) -> Result<Elements, NotAnItem> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Elements, NotAnItem> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Elements, NotAnItem> {
        Ok(Elements { values: Vec::with_capacity(length), variant: Some(variant) })
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Entries, NotAnItem> {
        Ok(Entries { item: Item::with_room(length.unwrap_or_default()), name: None, variant: None })
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Entries, NotAnItem> {
        // With room for the key and the place in an index, which come after the fields.
        Ok(Entries { item: Item::with_room(length + 5), name: None, variant: None })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Entries, NotAnItem> {
        Ok(Entries { item: Item::with_room(length), name: None, variant: Some(variant) })
    }
}

/// A list that is being written.
struct Elements {
    values: Vec<Value>,
    variant: Option<&'static str>,
}

impl Elements {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotAnItem> {
        self.values.push(value.serialize(Writer)?);
        Ok(())
    }

    fn whole(self) -> Value {
        let list = Value::L(self.values);
        match self.variant {
            Some(variant) => named(variant, list),
            None => list,
        }
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident;)+) => {
        $(impl ser::$trait for Elements {
            type Ok = Value;
            type Error = NotAnItem;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotAnItem> {
                self.add(value)
            }

            fn end(self) -> Result<Value, NotAnItem> {
                Ok(self.whole())
            }
        })+
    };
}

elements! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

/// A map that is being written.
struct Entries {
    item: Item,
    /// The name that the next value belongs to.
    name: Option<Name>,
    variant: Option<&'static str>,
}

impl Entries {
    fn whole(self) -> Value {
        let map = Value::M(self.item);
        match self.variant {
            Some(variant) => named(variant, map),
            None => map,
        }
    }
}

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = NotAnItem;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotAnItem> {
        match to_value(key)? {
            Value::S(name) | Value::N(name) => self.name = Some(Name::Owned(name)),
            _ => return Err(NotAnItem("a map's key is no text".to_owned())),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotAnItem> {
        let name = self.name.take().ok_or_else(|| NotAnItem("a value without a key".to_owned()))?;
        self.item.set(name, to_value(value)?);
        Ok(())
    }

    fn end(self) -> Result<Value, NotAnItem> {
        Ok(self.whole())
    }
}

macro_rules! fields {
    ($($trait:ident)+) => {
        $(impl ser::$trait for Entries {
            type Ok = Value;
            type Error = NotAnItem;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), NotAnItem> {
                self.item.push(Name::Borrowed(name), to_value(value)?);
                Ok(())
            }

            fn end(self) -> Result<Value, NotAnItem> {
                Ok(self.whole())
            }
        })+
    };
}

fields! { SerializeStruct SerializeStructVariant }

struct Reader(Value);

/// The number in a text of decimals.
fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, NotAnItem> {
    text.parse().map_err(|_| NotAnItem("a number out of bounds".to_owned()))
}

macro_rules! parse_numbers {
    ($($method:ident $visit:ident;)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotAnItem> {
            match &self.0 {
                Value::N(text) => visitor.$visit(parsed(text)?),
                _ => self.deserialize_any(visitor),
            }
        })+
    };
}

impl<'de> de::Deserializer<'de> for Reader {
    type Error = NotAnItem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotAnItem> {
        match self.0 {
            Value::S(text) => visitor.visit_string(text),
            Value::N(text) => match (text.parse(), text.parse()) {
                (Ok(number), _) => visitor.visit_u64(number),
                (_, Ok(number)) => visitor.visit_i64(number),
                _ => visitor.visit_f64(parsed(&text)?),
            },
            Value::B(bytes) => visitor.visit_byte_buf(bytes),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Null => visitor.visit_unit(),
            Value::Ss(texts) => visitor.visit_seq(Sequence(texts.into_iter().map(Value::S))),
            Value::Ns(numbers) => visitor.visit_seq(Sequence(numbers.into_iter().map(Value::N))),
            Value::Bs(bytes) => visitor.visit_seq(Sequence(bytes.into_iter().map(Value::B))),
            Value::L(values) => visitor.visit_seq(Sequence(values.into_iter())),
            Value::M(item) => visitor.visit_map(Attributes { left: item.into_iter(), value: None }),
        }
    }

    parse_numbers! {
        deserialize_i8 visit_i8; deserialize_i16 visit_i16; deserialize_i32 visit_i32; deserialize_i64 visit_i64;
        deserialize_i128 visit_i128; deserialize_u8 visit_u8; deserialize_u16 visit_u16; deserialize_u32 visit_u32;
        deserialize_u64 visit_u64; deserialize_u128 visit_u128; deserialize_f32 visit_f32; deserialize_f64 visit_f64;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotAnItem> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, NotAnItem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotAnItem> {
        let (variant, value) = match self.0 {
            Value::S(variant) => (Name::Owned(variant), None),
            Value::M(item) => match <[_; 1]>::try_from(item.into_iter().collect::<Vec<_>>()) {
                Ok([(variant, value)]) => (variant, Some(value)),
                Err(_) => return Err(NotAnItem("a variant is one name and what it holds".to_owned())),
            },
            _ => return Err(NotAnItem("no variant".to_owned())),
        };
        visitor.visit_enum(Variant { variant, value })
    }

    serde::forward_to_deserialize_any! {
        bool char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// A list that is being read.
struct Sequence<I>(I);

impl<'de, I: ExactSizeIterator<Item = Value>> de::SeqAccess<'de> for Sequence<I> {
    type Error = NotAnItem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, NotAnItem> {
        self.0.next().map(|value| seed.deserialize(Reader(value))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// A map that is being read.
struct Attributes {
    left: vec::IntoIter<(Name, Value)>,
    value: Option<Value>,
}

impl<'de> de::MapAccess<'de> for Attributes {
    type Error = NotAnItem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, NotAnItem> {
        let Some((name, value)) = self.left.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(MapKey(name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, NotAnItem> {
        let value = self.value.take().ok_or_else(|| NotAnItem("a value without a key".to_owned()))?;
        seed.deserialize(Reader(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// The key of a map: a text, which may be a number's.
struct MapKey(Name);

macro_rules! number_keys {
    ($($method:ident $visit:ident;)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotAnItem> {
            visitor.$visit(parsed(&self.0)?)
        })+
    };
}

impl<'de> de::Deserializer<'de> for MapKey {
    type Error = NotAnItem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotAnItem> {
        match self.0 {
            Name::Borrowed(name) => visitor.visit_borrowed_str(name),
            Name::Owned(name) => visitor.visit_string(name),
        }
    }

    number_keys! {
        deserialize_i8 visit_i8; deserialize_i16 visit_i16; deserialize_i32 visit_i32; deserialize_i64 visit_i64;
        deserialize_u8 visit_u8; deserialize_u16 visit_u16; deserialize_u32 visit_u32; deserialize_u64 visit_u64;
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotAnItem> {
        CowStrDeserializer::new(self.0).deserialize_enum(name, variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, NotAnItem> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool char str string bytes byte_buf option unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any i128 u128 f32 f64
    }
}

/// A variant that is being read.
struct Variant {
    variant: Name,
    value: Option<Value>,
}

impl<'de> de::EnumAccess<'de> for Variant {
    type Error = NotAnItem;
    type Variant = Content;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content), NotAnItem> {
        let variant: StringDeserializer<NotAnItem> = self.variant.into_owned().into_deserializer();
        Ok((seed.deserialize(variant)?, Content(self.value)))
    }
}

/// What a variant holds.
struct Content(Option<Value>);

impl Content {
    fn held(self) -> Result<Reader, NotAnItem> {
        self.0.map(Reader).ok_or_else(|| NotAnItem("a variant that holds nothing".to_owned()))
    }
}

impl<'de> de::VariantAccess<'de> for Content {
    type Error = NotAnItem;

    fn unit_variant(self) -> Result<(), NotAnItem> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err(NotAnItem("a variant that holds something".to_owned())),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, NotAnItem> {
        seed.deserialize(self.held()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, NotAnItem> {
        de::Deserializer::deserialize_any(self.held()?, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, NotAnItem> {
        de::Deserializer::deserialize_any(self.held()?, visitor)
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
            ("plain", map(&[("the_first", decimal("1"))])),
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
