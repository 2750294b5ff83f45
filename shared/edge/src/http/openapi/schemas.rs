//! Schemas by name, in the form that generators of clients understand best.

use std::collections::{BTreeMap, BTreeSet};

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Schemas of what is read and of what is written: the same type can have one of each.
pub(super) struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = || {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
            let settings = settings.with_transform(RecursiveTransform(constants_are_an_enum));
            settings.with_transform(RecursiveTransform(descriptions_have_no_links))
        };
        let in_requests = RecursiveTransform(|schema: &mut Schema| {
            // What is listed twice counts once.
            schema.remove("uniqueItems");
            // A field that has one is not optional to some generators.
            schema.remove("default");
        });
        Self {
            read: settings().for_deserialize().with_transform(in_requests).into_generator(),
            written: settings().for_serialize().into_generator(),
        }
    }

    /// That of what a request brings.
    pub(super) fn read<T: JsonSchema>(&mut self) -> Value {
        self.read.subschema_for::<T>().to_value()
    }

    /// That of what an answer brings.
    pub(super) fn written<T: JsonSchema>(&mut self) -> Value {
        self.written.subschema_for::<T>().to_value()
    }

    /// Whether a request has to bring something of it.
    pub(super) fn needs_fields<T: JsonSchema>(&mut self) -> bool {
        let whole = self.read.root_schema_for::<T>();
        whole.get("required").and_then(Value::as_array).is_some_and(|fields| !fields.is_empty())
    }

    /// All, by name.
    ///
    /// # Panics
    ///
    /// If two types have one name, or an object has none.
    pub(super) fn named(mut self) -> BTreeMap<String, Value> {
        let mut named = Named::default();
        for (name, schema) in self.read.take_definitions(true).into_iter().chain(self.written.take_definitions(true)) {
            named.add(name, schema);
        }
        // The library tells types of one name apart by a number.
        named
            .doubled
            .extend(named.all.keys().filter(|name| name.ends_with(|last: char| last.is_ascii_digit())).cloned());
        assert!(named.doubled.is_empty(), "give other names, by `schemars(rename)`, to the types {:?}", named.doubled);
        let nameless = named.nameless;
        assert!(nameless.is_empty(), "give names, by `schemars(title)`, to the objects within the types {nameless:?}");
        named.all
    }
}

/// Texts of which each is explained: one list of them, and one explanation.
fn constants_are_an_enum(schema: &mut Schema) {
    let Some(choices) = schema.get("oneOf").and_then(Value::as_array) else { return };
    let constant =
        |choice: &Value| Some((choice.get("const")?.as_str()?.to_owned(), choice.get("description").cloned()));
    let Some(constants) = choices.iter().map(constant).collect::<Option<Vec<_>>>() else { return };
    let explained =
        constants.iter().filter_map(|(name, text)| Some(format!("- `{name}`: {}", text.as_ref()?.as_str()?)));
    let explained = explained.collect::<Vec<_>>().join("\n");
    let description = schema.get("description").and_then(Value::as_str).map(|text| format!("{text}\n\n{explained}"));
    schema.remove("oneOf");
    schema.insert("type".to_owned(), json!("string"));
    schema.insert("enum".to_owned(), constants.into_iter().map(|(name, _)| Value::from(name)).collect());
    schema.insert("description".to_owned(), description.unwrap_or(explained).into());
}

/// Links that only the code's own documentation knows become words.
fn descriptions_have_no_links(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace("[`", "`").replace("`]", "`");
    }
}

/// What has a name; and what is wrong with names.
#[derive(Default)]
struct Named {
    all: BTreeMap<String, Value>,
    /// Names of two different schemas.
    doubled: BTreeSet<String>,
    /// Where objects without a name are.
    nameless: BTreeSet<String>,
}

impl Named {
    fn add(&mut self, name: String, mut schema: Value) {
        self.name_within(&name, &mut schema);
        if self.all.get(&name).is_some_and(|known| *known != schema) {
            self.doubled.insert(name.clone());
        }
        self.all.insert(name, schema);
    }

    /// Names the objects in a schema by their titles.
    fn name_within(&mut self, name: &str, schema: &mut Value) {
        let inner: Vec<&mut Value> = match schema {
            Value::Object(fields) => fields.values_mut().collect(),
            Value::Array(list) => list.iter_mut().collect(),
            _ => return,
        };
        for part in inner {
            let is_object = part.get("properties").is_some_and(Value::is_object) && part.get("type").is_some();
            if is_object {
                let title = part.as_object_mut().and_then(|fields: &mut Map<String, Value>| fields.remove("title"));
                let Some(title) = title.as_ref().and_then(Value::as_str) else {
                    self.nameless.insert(name.to_owned());
                    continue;
                };
                let reference = json!({ "$ref": format!("#/components/schemas/{title}") });
                self.add(title.to_owned(), std::mem::replace(part, reference));
            } else {
                self.name_within(name, part);
            }
        }
    }
}
