//! For tests: what the fields of a struct are written as.

use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};

/// Stands where a struct would be read from, and notes which fields are asked for.
struct Fields<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        Err(Error::custom("nothing is here"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Error::custom("no struct"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The names of a struct's fields.
pub(crate) fn of<R: DeserializeOwned>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    assert!(R::deserialize(Fields(&mut fields)).is_err());
    fields
}

/// Holds an attribute's name to the field that it is of.
pub(crate) fn check(written: &[&str], field: &str, name: &str) {
    let snake = |text: &str| -> String {
        text.chars().flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain(c.to_lowercase())).collect()
    };
    assert!(written.contains(&name), "{name} is none of {written:?}");
    assert_eq!(snake(name), field);
}
