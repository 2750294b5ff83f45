//! One operation, while its handler's types describe it.

use std::collections::{BTreeMap, BTreeSet};

use rules::scope::Needs;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::schemas::Schemas;
use super::{Words, object};
use crate::Route;
use crate::caller::person::VAULT_HEADER;

/// One operation, while it is described.
pub struct Operation<'a> {
    route: &'a Route,
    pub(super) schemas: &'a mut Schemas,
    /// Whether it may change something.
    pub(super) changes: bool,
    /// Types of the path's parameters, in their order.
    pub(super) path_types: Vec<Value>,
    /// Whether one may choose the vault to act in.
    chooses_vault: bool,
    body: Option<Body>,
    answer: Value,
    answer_headers: Map<String, Value>,
    refusals: BTreeSet<u16>,
    /// In which form it refuses: what the names of its refusals end with.
    refuses_in: &'static str,
    /// What it answers that is neither a success nor a refusal.
    also: Option<(u16, &'static str)>,
    security: BTreeSet<&'static str>,
}

/// What the names of refusals end with that are scripts.
pub(super) const IN_SCRIPTS: &str = "-script";
/// The same of those that are pages.
pub(super) const IN_PAGES: &str = "-page";

struct Body {
    schema: Value,
    needed: bool,
}

impl<'a> Operation<'a> {
    /// Of which nothing is known but its route.
    pub(super) fn of(route: &'a Route, schemas: &'a mut Schemas) -> Self {
        Self {
            route,
            schemas,
            changes: route.method != "GET" && !route.needs.is_some_and(Needs::reads),
            path_types: vec![],
            chooses_vault: false,
            body: None,
            answer: Value::Null,
            answer_headers: Map::new(),
            refusals: BTreeSet::new(),
            refuses_in: "",
            also: None,
            security: BTreeSet::new(),
        }
    }

    /// The answer's body and its media type.
    pub fn answers(&mut self, media_type: &str, schema: &Value) {
        self.answer = json!({ media_type: { "schema": schema } });
    }

    /// A header of the answer.
    pub fn answers_header(&mut self, name: &str, description: &str) {
        let header = json!({ "description": description, "schema": { "type": "string" } });
        self.answer_headers.insert(name.to_owned(), header);
    }

    /// It answers 304 to whoever has the answer already.
    pub fn answers_unchanged(&mut self) {
        self.also = Some((304, "The answer is still the one with the ETag that was sent."));
    }

    /// Statuses it is refused with.
    pub fn refuses(&mut self, statuses: &[u16]) {
        self.refusals.extend(statuses);
    }

    /// Its refusals are scripts that say why.
    pub(super) fn refuses_in_scripts(&mut self) {
        self.refuses_in = IN_SCRIPTS;
    }

    /// Its refusals are pages that say why.
    pub(super) fn refuses_in_pages(&mut self) {
        self.refuses_in = IN_PAGES;
    }

    pub(super) fn takes<T: JsonSchema>(&mut self) {
        // No body counts as `{}`.
        self.body = Some(Body { schema: self.schemas.read::<T>(), needed: self.schemas.needs_fields::<T>() });
        self.refuses(&[400, 413, 415, 422]);
    }

    pub(super) fn by_same_origin(&mut self) {
        if self.route.method != "GET" {
            self.security.insert("request");
        }
        self.refuses(&[403]);
    }

    pub(super) fn by_person(&mut self) {
        self.by_same_origin();
        self.chooses_vault = true;
        self.security.insert("session");
        self.refuses(&[401, 404]);
    }

    pub(super) fn signed(&mut self) {
        self.security.extend(["id", "timestamp", "nonce", "signature"]);
        // A query string; who it is; what it may; the lockout.
        self.refuses(&[400, 401, 403, 413, 429]);
    }

    /// The operation as the document has it.
    pub(super) fn finish(mut self, words: Words) -> Value {
        self.refuses(words.refusals);
        if self.changes {
            // Not in the state for it, or somebody else changed it at the same time.
            self.refuses(&[409]);
        }
        self.refuses(&[500, 503]);
        let parameters = self.parameters(&words);
        let responses = self.responses();
        let security: Map<String, Value> =
            self.security.iter().map(|scheme| ((*scheme).to_owned(), json!([]))).collect();
        let body = self.body.map(|body| {
            let content = json!({ "schema": body.schema, "example": words.body });
            json!({ "required": body.needed, "content": { "application/json": content } })
        });
        object([
            ("operationId", Some(words.id.into())),
            ("tags", Some(json!([words.topic]))),
            ("summary", Some(words.summary.into())),
            ("description", Some(words.description.into())),
            ("security", Some(if security.is_empty() { json!([]) } else { json!([security]) })),
            ("parameters", Some(parameters).filter(|parameters| !parameters.is_empty()).map(Value::from)),
            ("requestBody", body),
            ("responses", Some(json!(responses))),
            ("x-needs", self.route.needs.map(|needs| needed(needs).into())),
            ("x-audited", words.audited.map(Value::from)),
        ])
    }

    fn parameters(&mut self, words: &Words) -> Vec<Value> {
        let names = self.route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let mut types = std::mem::take(&mut self.path_types).into_iter();
        let in_path = names.map(|name| {
            let schema = types.next().unwrap_or_else(|| json!({ "type": "string" }));
            let example = words.in_path.get(name).cloned();
            object([
                ("name", Some(name.into())),
                ("in", Some("path".into())),
                ("required", Some(true.into())),
                ("schema", Some(schema)),
                ("example", example),
            ])
        });
        let vault = self.chooses_vault.then(|| {
            json!({
                "name": VAULT_HEADER, "in": "header", "required": false,
                "description": "The vault to act in, if it is not one's own.",
                "schema": self.schemas.read::<protocol::VaultId>(),
            })
        });
        in_path.chain(vault).collect()
    }

    fn responses(&mut self) -> BTreeMap<String, Value> {
        let form = self.refuses_in;
        let named = |status| json!({ "$ref": format!("#/components/responses/{status}{form}") });
        let refusals = self.refusals.iter().map(|status| (status.to_string(), named(status)));
        let headers = std::mem::take(&mut self.answer_headers);
        let success = object([
            ("description", Some(json!("Done."))),
            ("headers", Some(headers).filter(|headers| !headers.is_empty()).map(Value::from)),
            ("content", Some(self.answer.take())),
        ]);
        let also = self.also.map(|(status, text)| (status.to_string(), json!({ "description": text })));
        refusals.chain(also).chain([("200".to_owned(), success)]).collect()
    }
}

/// What a route of management needs, for programs.
fn needed(needs: Needs) -> &'static str {
    match needs {
        Needs::Scope(scope) => scope.name(),
        Needs::Nothing => "nothing",
        Needs::Person => "person",
    }
}
