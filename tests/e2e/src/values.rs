//! Every value that was stored or read in a world, and the search for them in what management answers.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::Answer;

/// Shorter ones occur in answers by chance.
const SHORTEST: usize = 8;

#[derive(Default)]
pub(crate) struct KnownValues(Mutex<BTreeSet<String>>);

impl KnownValues {
    /// Learns the values in what was sent and in what a machine read, and holds an answer of management against all.
    pub(crate) fn check(&self, target: &str, sent: &[u8], answer: &Answer) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if target.contains("/secrets") {
            learn(&mut known, &serde_json::from_slice(sent).unwrap_or_default());
        }
        if target.starts_with("/v1/secret") {
            learn(&mut known, &serde_json::from_slice(&answer.body).unwrap_or_default());
        }
        if ["/v1/manage/", "/v1/ai/", "/v1/account"].iter().any(|plane| target.starts_with(plane)) {
            let text = answer.text();
            for value in known.iter() {
                assert!(!text.contains(value), "{target} shows a value: {text}");
            }
        }
    }
}

/// Values are under the key `value`; one that is a flat object has fields.
fn learn(known: &mut BTreeSet<String>, body: &Value) {
    match body {
        Value::Array(list) => list.iter().for_each(|item| learn(known, item)),
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(text) if name == "value" => {
                        match serde_json::from_str::<serde_json::Map<String, Value>>(text) {
                            Ok(fields) => known.extend(fields.values().filter_map(Value::as_str).map(str::to_owned)),
                            Err(_) => drop(known.insert(text.clone())),
                        }
                    }
                    value => learn(known, value),
                }
            }
        }
        _ => {}
    }
    known.retain(|value| value.len() >= SHORTEST);
}
