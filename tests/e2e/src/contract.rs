//! Everything that the suite sends and gets, held against the OpenAPI document.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::document::document;
use crate::{Answer, Request};

/// The document, ready to hold requests and answers against.
pub(crate) struct Contract {
    document: Value,
    /// By where the schema is in the document.
    validators: Mutex<BTreeMap<usize, Arc<Validator>>>,
}

impl Contract {
    /// That of the code, made once.
    pub(crate) fn of(functions: impl FnOnce() -> Vec<edge::Routes>) -> &'static Self {
        static CONTRACT: OnceLock<Contract> = OnceLock::new();
        CONTRACT.get_or_init(|| Self { document: document(&functions()), validators: Mutex::default() })
    }

    /// Checks that an answer is one that the document tells of, and that a body which was taken is one that it asks
    /// for. What no route matches is not in the document.
    pub(crate) fn check(&self, request: &Request, answer: &Answer) {
        let path = request.target.split('?').next().unwrap_or_default();
        let Some(operation) = self.operation(request.method.as_str(), path) else { return };
        let (status, called) = (answer.status.as_u16(), format!("{} {path}", request.method));
        let response = &operation["responses"][status.to_string()];
        assert!(!response.is_null(), "{called} answers {status}, which is not documented: {}", answer.text());
        let response = match response["$ref"].as_str() {
            Some(name) => self.document.pointer(name.trim_start_matches('#')).expect("a known response"),
            None => response,
        };
        if status == 304 {
            assert!(answer.body.is_empty(), "{called} answers 304 with a body");
            return;
        }
        let content_type = answer.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let content = &response["content"][content_type];
        assert!(!content.is_null(), "{called} answers {status} as {content_type}, which is not documented");
        if content_type == "application/json" && !answer.headers.contains_key("content-encoding") {
            self.validate(&content["schema"], &answer.json(), &format!("the answer of {called}"));
        }
        let asked = &operation["requestBody"]["content"]["application/json"]["schema"];
        if status == 200 && !request.body.is_empty() && !asked.is_null() {
            let sent = serde_json::from_slice(&request.body).expect("JSON that was taken");
            self.validate(asked, &sent, &format!("the body that {called} took"));
        }
    }

    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let paths = self.document["paths"].as_object()?;
        let matches = |template: &str| {
            let (mut here, mut there) = (template.split('/'), path.split('/'));
            loop {
                match (here.next(), there.next()) {
                    (None, None) => return true,
                    (Some(part), Some(text)) if part == text || (part.starts_with('{') && !text.is_empty()) => {}
                    _ => return false,
                }
            }
        };
        // One without parameters goes before one with.
        let found = paths.get(path).or_else(|| paths.iter().find(|(template, _)| matches(template)).map(|(_, it)| it));
        found?.get(method.to_lowercase())
    }

    fn validate(&self, schema: &Value, value: &Value, what: &str) {
        let validator = {
            let mut known = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
            let compile = || {
                let whole = json!({ "allOf": [schema], "components": self.document["components"] });
                Arc::new(jsonschema::validator_for(&whole).expect("a valid schema"))
            };
            Arc::clone(known.entry(std::ptr::from_ref(schema).addr()).or_insert_with(compile))
        };
        let problems: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{what} is not as documented: {problems:?}");
    }
}
