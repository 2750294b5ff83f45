//! The API as an OpenAPI 3.1 document, told by the types of the handlers.
//!
//! What a handler takes says what a request brings and how it can be refused ([`Asks`]); what it gives says what an
//! answer looks like ([`Answers`]). What no type says, such as a summary and refusals of a handler's own, comes from
//! who asks for the document.
//!
//! Nothing of this is in a deployed function: without the feature `openapi` a route keeps no description.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use http::HeaderMap;
use protocol::bodies::ErrorBody;
use protocol::signing::header;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use vault::scope::Needs;

use crate::answer::{File, Json, MediaType, SecretJson};
use crate::body::{Body, Ids};
use crate::person::{REQUEST_HEADER, VAULT_HEADER};
use crate::signed::{SignedBody, SignedRequest};
use crate::{Error, Person, Principal, Route, Routes, SESSION_COOKIE, SameOrigin, SourceAddress, WithCookie};

/// What an argument of a handler asks of a request.
pub trait Asks {
    /// Adds it.
    fn describe(operation: &mut Operation<'_>);
}

/// What a handler answers when all is well.
pub trait Answers {
    /// Adds it.
    fn describe(operation: &mut Operation<'_>);
}

/// A handler whose arguments and answer can be described. `Arguments` tells the arities apart.
pub trait Described<Arguments> {
    /// Adds all of it.
    fn describe(operation: &mut Operation<'_>);
}

macro_rules! described {
    ($($argument:ident)*) => {
        impl<F, Answer, Given: Answers, $($argument: Asks),*> Described<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Answer,
            Answer: Future<Output = Given>,
        {
            fn describe(operation: &mut Operation<'_>) {
                $($argument::describe(operation);)*
                Given::describe(operation);
            }
        }
    };
}

described!();
described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);

/// What a route remembers of its handler.
#[derive(Clone, Copy)]
pub(crate) struct Description {
    describe: fn(&mut Operation<'_>),
    handler: &'static str,
}

impl Description {
    /// Of a handler, if descriptions are kept.
    pub(crate) fn of<Arguments, H: Described<Arguments>>(_: &H) -> Option<Self> {
        if cfg!(feature = "openapi") {
            Some(Self { describe: H::describe, handler: std::any::type_name::<H>() })
        } else {
            None
        }
    }
}

/// Schemas of what is read and of what is written: the same type can have one of each.
struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = || {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
            settings
        };
        // What is listed twice counts once.
        let doubles_are_taken = RecursiveTransform(|schema: &mut Schema| _ = schema.remove("uniqueItems"));
        Self {
            read: settings().for_deserialize().with_transform(doubles_are_taken).into_generator(),
            written: settings().for_serialize().into_generator(),
        }
    }

    /// Both, by name.
    ///
    /// # Panics
    ///
    /// If two types have one name.
    fn named(mut self) -> Map<String, Value> {
        let mut all = self.read.take_definitions(true);
        let mut doubled = BTreeSet::new();
        for (name, schema) in self.written.take_definitions(true) {
            if all.get(&name).is_some_and(|known| *known != schema) {
                doubled.insert(name.clone());
            }
            all.insert(name, schema);
        }
        // The library tells types of one name apart by a number.
        doubled.extend(all.keys().filter(|name| name.ends_with(|last: char| last.is_ascii_digit())).cloned());
        assert!(doubled.is_empty(), "give other names, by `schemars(rename)`, to the types {doubled:?}");
        all
    }
}

/// One operation, while it is described.
pub struct Operation<'a> {
    schemas: &'a mut Schemas,
    get: bool,
    /// Whether it may change something.
    changes: bool,
    /// Types of the path's parameters, in their order.
    path_types: Vec<Value>,
    parameters: Vec<Value>,
    body: Option<Value>,
    answer: Value,
    answer_headers: Map<String, Value>,
    refusals: BTreeSet<u16>,
    security: Option<Value>,
}

impl Operation<'_> {
    /// The answer's body and its media type.
    pub fn answers(&mut self, media_type: &str, schema: &Value) {
        self.answer = json!({ media_type: { "schema": schema } });
    }

    /// A header of the answer.
    pub fn answers_header(&mut self, name: &str, description: &str) {
        let header = json!({ "description": description, "schema": { "type": "string" } });
        self.answer_headers.insert(name.to_owned(), header);
    }

    /// Statuses it is refused with.
    pub fn refuses(&mut self, statuses: &[u16]) {
        self.refusals.extend(statuses);
    }

    fn takes<T: JsonSchema>(&mut self) {
        let schema = self.schemas.read.subschema_for::<T>().to_value();
        // No body counts as `{}`.
        let whole = self.schemas.read.root_schema_for::<T>();
        let needed = whole.get("required").and_then(Value::as_array).is_some_and(|fields| !fields.is_empty());
        self.body = Some(json!({ "required": needed, "content": { "application/json": { "schema": schema } } }));
        self.refuses(&[400, 413, 415, 422]);
    }

    fn by_same_origin(&mut self) {
        if !self.get {
            let description = "No other site can have a browser send it.";
            self.parameters.push(json!({
                "name": REQUEST_HEADER, "in": "header", "required": true, "description": description,
                "schema": { "type": "string", "const": "1" },
            }));
        }
        self.refuses(&[403]);
    }

    fn by_person(&mut self) {
        self.by_same_origin();
        self.parameters.push(json!({
            "name": VAULT_HEADER, "in": "header", "required": false,
            "description": "The vault to act in, if it is not one's own.",
            "schema": self.schemas.read.subschema_for::<protocol::VaultId>(),
        }));
        self.security = Some(json!([{ "session": [] }]));
        self.refuses(&[401, 404]);
    }

    fn signed(&mut self) {
        self.security = Some(json!([{ "id": [], "timestamp": [], "nonce": [], "signature": [] }]));
        // A query string; who it is; what it may; the lockout.
        self.refuses(&[400, 401, 403, 413, 429]);
    }

    /// The operation as the document has it.
    fn finish(mut self, route: &Route, summary: &str) -> Value {
        if self.changes {
            // Not in the state for it, or somebody else changed it at the same time.
            self.refuses(&[409]);
        }
        self.refuses(&[500, 503]);
        let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let mut types = self.path_types.into_iter();
        let in_path = names.map(|name| {
            let schema = types.next().unwrap_or_else(|| json!({ "type": "string" }));
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        });
        let parameters: Vec<Value> = in_path.chain(self.parameters).collect();

        let refusals = self
            .refusals
            .iter()
            .map(|status| (status.to_string(), json!({ "$ref": format!("#/components/responses/{status}") })));
        let success = object([
            ("description", Some(json!("Done."))),
            ("headers", Some(self.answer_headers).filter(|headers| !headers.is_empty()).map(Value::from)),
            ("content", Some(self.answer)),
        ]);
        let responses: BTreeMap<String, Value> = refusals.chain([("200".to_owned(), success)]).collect();
        object([
            ("operationId", Some(operation_id(route).into())),
            ("tags", Some(json!([route.function]))),
            ("summary", Some(summary.into())),
            ("description", needed(route).map(Value::from)),
            ("security", Some(self.security.unwrap_or_else(|| json!([])))),
            ("parameters", Some(parameters).filter(|parameters| !parameters.is_empty()).map(Value::from)),
            ("requestBody", self.body),
            ("responses", Some(json!(responses))),
        ])
    }
}

/// An object of the fields that are there.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    fields.collect::<Map<_, _>>().into()
}

fn is_for_agents(route: &Route) -> bool {
    route.path.starts_with("/v1/ai/")
}

/// What a route of management needs, in words.
fn needed(route: &Route) -> Option<String> {
    match route.needs? {
        Needs::Scope(scope) if is_for_agents(route) => Some(format!("Needs the scope `{}`.", scope.name())),
        Needs::Scope(_) | Needs::Nothing => None,
        Needs::Person => Some("For people only.".to_owned()),
    }
}

/// A name that no other operation has: the method and the path's words, and by what the last of them is chosen.
fn operation_id(route: &Route) -> String {
    let mut parts = route.path.split('/').filter(|part| !part.is_empty() && *part != "v1");
    let words = parts.clone().filter(|part| !part.starts_with('{'));
    let by = parts.next_back().and_then(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let by = by.map(|name| format!("-by-{name}")).unwrap_or_default();
    format!("{}-{}{by}", route.method.to_lowercase(), words.collect::<Vec<_>>().join("-"))
}

/// The document of these functions. `summary` is asked for a handler, by its path in the code; `refusals` for the statuses
/// that a route is refused with beside those that its handler's types tell.
///
/// # Panics
///
/// If two types have one name, two operations one id, or descriptions are not kept.
#[must_use]
pub fn document<'a>(
    functions: impl IntoIterator<Item = &'a Routes>,
    version: &str,
    summary: impl Fn(&str) -> String,
    refusals: impl Fn(&Route) -> &'static [u16],
) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for (route, description) in functions.into_iter().flat_map(Routes::descriptions) {
        let mut operation = Operation {
            schemas: &mut schemas,
            get: route.method == "GET",
            changes: route.method != "GET" && !route.needs.is_some_and(Needs::reads),
            path_types: vec![],
            parameters: vec![],
            body: None,
            answer: Value::Null,
            answer_headers: Map::new(),
            refusals: BTreeSet::new(),
            security: None,
        };
        match route.needs {
            Some(_) if is_for_agents(route) => {
                operation.signed();
                operation.refuses(&[404]);
            }
            Some(_) => operation.by_person(),
            None => {}
        }
        (description.describe)(&mut operation);
        operation.refuses(refusals(route));
        let operation = operation.finish(route, &summary(description.handler));
        assert!(ids.insert(operation_id(route)), "two operations are called {}", operation_id(route));
        paths.entry(&route.path).or_default().insert(route.method.to_lowercase(), operation);
    }
    let error = schemas.written.subschema_for::<ErrorBody>();
    let refusals = REFUSALS.iter().map(|(status, description)| {
        let retry_after = json!({ "Retry-After": {
            "description": "Seconds until it is worth trying again.", "schema": { "type": "integer" },
        } });
        let response = object([
            ("description", Some((*description).into())),
            ("headers", (*status == 429).then_some(retry_after)),
            ("content", Some(json!({ "application/json": { "schema": error } }))),
        ]);
        (status.to_string(), response)
    });
    let refusals: BTreeMap<String, Value> = refusals.collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "SikkerKey",
            "version": version,
            "description": "Machines sign their requests, AI agents sign theirs, people have sessions. Times are epoch \
                milliseconds unless a field says otherwise. `docs/api.md` says in words what stands here in types.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas.named(),
            "responses": refusals,
            "securitySchemes": security_schemes(),
        },
    })
}

/// What each refusal means.
const REFUSALS: &[(u16, &str)] = &[
    (400, "Malformed: JSON that does not parse, a field twice, null where something is expected, a query string."),
    (401, "Not authenticated."),
    (403, "Not allowed."),
    (404, "Not there, or in another vault, which nobody can tell apart."),
    (409, "Not in the state that it is in, or changed by somebody else at the same time."),
    (410, "A one-time link that was used or has expired."),
    (413, "The body is too large, or the answer would be."),
    (415, "The body's content type is not JSON."),
    (422, "Well formed but not taken: the text begins with the field."),
    (423, "The project is frozen."),
    (429, "The address is locked out, or too many ask at once."),
    (500, "Something went wrong on the server's side."),
    (503, "The store or the key layer does not answer; try again."),
];

fn security_schemes() -> Value {
    let header = |name: &str, description: &str| json!({ "type": "apiKey", "in": "header", "name": name, "description": description });
    json!({
        "session": {
            "type": "apiKey", "in": "cookie", "name": SESSION_COOKIE,
            "description": "A signed-in person's session.",
        },
        "id": header(header::MACHINE_ID, "The id of the machine or the AI agent that signs."),
        "timestamp": header(header::TIMESTAMP, "Epoch seconds, at most 300 from the server's clock."),
        "nonce": header(header::NONCE, "8 to 128 printable ASCII characters that this signer never used before."),
        "signature": header(
            header::SIGNATURE,
            "Standard base64 of the Ed25519 signature over METHOD:PATH:TIMESTAMP:NONCE:BODYHASH.",
        ),
    })
}

impl<S> Asks for State<S> {
    fn describe(_: &mut Operation<'_>) {}
}

impl Asks for HeaderMap {
    fn describe(_: &mut Operation<'_>) {}
}

impl Asks for SourceAddress {
    fn describe(_: &mut Operation<'_>) {}
}

/// The door says what it asks.
impl Asks for Principal {
    fn describe(_: &mut Operation<'_>) {}
}

impl Asks for Person {
    fn describe(operation: &mut Operation<'_>) {
        operation.by_person();
    }
}

impl Asks for SameOrigin {
    fn describe(operation: &mut Operation<'_>) {
        operation.by_same_origin();
    }
}

/// A machine changes nothing.
impl Asks for SignedRequest {
    fn describe(operation: &mut Operation<'_>) {
        operation.signed();
        operation.changes = false;
    }
}

impl<T: JsonSchema> Asks for SignedBody<T> {
    fn describe(operation: &mut Operation<'_>) {
        SignedRequest::describe(operation);
        operation.takes::<T>();
    }
}

impl<T: JsonSchema, const LIMIT: usize> Asks for Body<T, LIMIT> {
    fn describe(operation: &mut Operation<'_>) {
        operation.takes::<T>();
    }
}

impl<T: JsonSchema> Asks for Ids<T> {
    fn describe(operation: &mut Operation<'_>) {
        let schema = operation.schemas.read.subschema_for::<T>().to_value();
        // Of another shape, or no text at all, it is an id of nothing.
        operation.refuses(&[404]);
        // Several are a tuple.
        operation.path_types = match schema.get("prefixItems").and_then(Value::as_array) {
            Some(each) => each.clone(),
            None => vec![schema],
        };
    }
}

impl<T: JsonSchema> Answers for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        let schema = operation.schemas.written.subschema_for::<T>().to_value();
        operation.answers("application/json", &schema);
    }
}

impl<T: JsonSchema> Answers for SecretJson<T> {
    fn describe(operation: &mut Operation<'_>) {
        Json::<T>::describe(operation);
    }
}

impl<M: MediaType> Answers for File<M> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers(M::NAME, &json!({ "type": M::SCHEMA }));
    }
}

impl<T: Answers> Answers for WithCookie<T> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
        operation.answers_header("Set-Cookie", "The session's cookie.");
    }
}

impl<T: Answers> Answers for Result<T, Error> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
    }
}
