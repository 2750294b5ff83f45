//! Attributes of rows by name and type, and conditions on them. A name that is misspelt or a value of another type does not
//! compile: `attribute_not_exists` of a name that nobody writes would hold for ever.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::Serialize;

use super::backend::Terms;
use super::item::Value;
use super::row::attribute;
use crate::StoreError;

/// An attribute of the rows `R`: its name in the table, and the type `V` of its values.
pub struct Attribute<R, V> {
    pub(super) name: &'static str,
    of: PhantomData<fn(&R) -> &V>,
}

impl<R, V> Clone for Attribute<R, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, V> Copy for Attribute<R, V> {}

impl<R, V> Attribute<R, V> {
    /// The attribute that holds this field. [`attributes`] makes it, and holds its name to the field's.
    pub(crate) const fn new(name: &'static str, _: fn(&R) -> &V) -> Self {
        Self { name, of: PhantomData }
    }

    fn condition(self, test: Test) -> Condition<R> {
        Condition { name: self.name, test: Ok(test), of: PhantomData }
    }
}

impl<R, V: Serialize> Attribute<R, V> {
    fn compare(self, value: &impl Serialize, test: fn(Value) -> Test) -> Condition<R> {
        Condition { name: self.name, test: attribute(value).map(test), of: PhantomData }
    }

    /// It has this value; of none, it is absent.
    pub fn is(self, value: &V) -> Condition<R> {
        self.compare(value, |value| if value == Value::Null { Test::Absent } else { Test::Is(value) })
    }

    /// It is absent or has another value than this.
    pub fn is_not(self, value: &V) -> Condition<R> {
        self.compare(value, Test::IsNot)
    }

    /// It is absent, as in a row that is not there.
    pub fn missing(self) -> Condition<R> {
        self.condition(Test::Absent)
    }

    /// It is absent or less than this.
    pub fn missing_or_less_than(self, value: &V) -> Condition<R> {
        self.compare(value, Test::AbsentOrLessThan)
    }

    /// It is there, and less than this.
    pub fn less_than(self, value: &V) -> Condition<R> {
        self.compare(value, Test::LessThan)
    }
}

impl<R, V: Serialize> Attribute<R, Option<V>> {
    /// It is absent.
    pub fn absent(self) -> Condition<R> {
        self.condition(Test::Absent)
    }

    /// It is there.
    pub fn present(self) -> Condition<R> {
        self.condition(Test::Present)
    }

    /// It is absent or less than this.
    pub fn absent_or_less_than(self, value: &V) -> Condition<R> {
        self.compare(value, Test::AbsentOrLessThan)
    }
}

impl<R, K: Serialize, V: Serialize> Attribute<R, BTreeMap<K, V>> {
    /// The map has fewer entries than this.
    pub fn fewer_than(self, entries: usize) -> Condition<R> {
        self.compare(&entries, Test::FewerThan)
    }
}

/// What has to hold of the rows `R`, for a write to happen.
#[must_use = "a condition holds nothing by itself"]
pub struct Condition<R> {
    name: &'static str,
    test: Result<Test, StoreError>,
    of: PhantomData<fn(&R)>,
}

enum Test {
    Absent,
    Present,
    Is(Value),
    IsNot(Value),
    LessThan(Value),
    AbsentOrLessThan(Value),
    FewerThan(Value),
}

impl<R> Condition<R> {
    /// The condition in DynamoDB's words, with its names and values among the terms.
    pub(super) fn text(self, terms: &mut Terms) -> Result<String, StoreError> {
        let name = terms.alias(self.name);
        Ok(match self.test? {
            Test::Absent => format!("attribute_not_exists({name})"),
            Test::Present => format!("attribute_exists({name})"),
            Test::Is(value) => format!("{name} = {}", terms.add(value)),
            Test::IsNot(value) => format!("(attribute_not_exists({name}) OR {name} <> {})", terms.add(value)),
            Test::LessThan(value) => format!("{name} < {}", terms.add(value)),
            Test::AbsentOrLessThan(value) => format!("(attribute_not_exists({name}) OR {name} < {})", terms.add(value)),
            Test::FewerThan(value) => format!("size({name}) < {}", terms.add(value)),
        })
    }
}

impl Terms {
    /// An alias for an attribute, the same each time.
    pub(super) fn alias(&mut self, attribute: &str) -> String {
        let alias = format!("#{attribute}");
        if self.names.iter().all(|(known, _)| *known != alias) {
            self.names.push((alias.clone().into(), attribute.to_owned().into()));
        }
        alias
    }

    /// An alias for a value.
    pub(super) fn add(&mut self, value: Value) -> String {
        let alias = format!(":v{}", self.values.len());
        self.values.set(alias.clone(), value);
        alias
    }
}

/// The attributes of rows that writes name by themselves: a constant, the field, and its name in the table.
///
/// A test of the module holds each name to what the field is written as.
macro_rules! attributes {
    ($($row:ident { $($constant:ident = $field:ident $name:literal: $type:ty;)+ })+) => {
        $($(
            #[doc = concat!("The attribute `", $name, "`.")]
            pub const $constant: $crate::engine::attribute::Attribute<$row, $type> =
                $crate::engine::attribute::Attribute::new($name, |row| &row.$field);
        )+)+

        #[cfg(test)]
        #[test]
        fn attributes_are_named_as_they_are_written() {
            $(
                let written = $crate::engine::fields::of::<$row>();
                $($crate::engine::fields::check(written, stringify!($field), $name);)+
            )+
        }
    };
}

pub(crate) use attributes;
