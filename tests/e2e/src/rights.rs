//! Writes down which rights each function uses, for the test that compares them with the roles of the template.
//!
//! One line of JSON for each kind of AWS call that a function made while the suite ran, in `calls.jsonl` beside the
//! other things that tests leave: the action as IAM names it, the table or index, the rows by the beginning of their
//! partition key, and for a put or an update the attributes it names.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crypto::KeyContext;
use serde_json::{Value, json};

static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Where tests leave things: `tmp` in Cargo's target folder.
pub fn left_by_tests(name: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let folder = program.ancestors().nth(3).unwrap().join("tmp");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

fn note(line: &Value) {
    let line = line.to_string();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.insert(line.clone()) {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(left_by_tests("calls.jsonl"));
        file.unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

/// A call to the key layer.
pub(crate) fn key_call(function: &str, action: &str, context: &KeyContext) {
    let purpose = context.pairs().into_iter().find(|(name, _)| *name == "purpose").map(|(_, value)| value);
    note(&json!({ "function": function, "action": action, "resource": "key", "context": { "purpose": purpose } }));
}

/// An invocation of another function.
pub(crate) fn invocation(function: &str, of: &str) {
    let resource = format!("function/{of}");
    note(&json!({ "function": function, "action": "lambda:InvokeFunction", "resource": resource }));
}

/// A mail handed to SES.
pub(crate) fn mail(function: &str) {
    note(&json!({ "function": function, "action": "ses:SendEmail", "resource": "identity" }));
}

/// A call to DynamoDB. A transaction needs the right of each of its steps; the tables' names lose their prefix.
pub(crate) fn store_call(function: &str, operation: &str, body: &Value) {
    match operation {
        "TransactWriteItems" => {
            for step in body["TransactItems"].as_array().unwrap() {
                let (kind, step) = step.as_object().unwrap().iter().next().unwrap();
                let action = if kind == "ConditionCheck" { "ConditionCheckItem".into() } else { format!("{kind}Item") };
                single(function, &action, step);
            }
        }
        "BatchGetItem" => {
            for (table, keys) in body["RequestItems"].as_object().unwrap() {
                let kinds = keys["Keys"].as_array().unwrap().iter().map(|key| kind(&key["pk"])).collect();
                dynamodb(function, "BatchGetItem", table, None, kinds, None);
            }
        }
        // Not a function's doing.
        "CreateTable" | "UpdateTimeToLive" => {}
        _ => single(function, operation, body),
    }
}

fn single(function: &str, action: &str, call: &Value) {
    let key = match action {
        "Query" => {
            let condition = call["KeyConditionExpression"].as_str().unwrap();
            let alias = condition.split_whitespace().nth(2).unwrap();
            &call["ExpressionAttributeValues"][alias]
        }
        "PutItem" => &call["Item"]["pk"],
        _ => &call["Key"]["pk"],
    };
    let attributes = match action {
        "UpdateItem" => Some(attributes(call)),
        "PutItem" => Some(call["Item"].as_object().unwrap().keys().cloned().collect()),
        _ => None,
    };
    let index = call["IndexName"].as_str();
    dynamodb(function, action, call["TableName"].as_str().unwrap(), index, BTreeSet::from([kind(key)]), attributes);
}

fn dynamodb(
    function: &str,
    action: &str,
    table: &str,
    index: Option<&str>,
    keys: BTreeSet<String>,
    attributes: Option<BTreeSet<String>>,
) {
    let table = table.rsplit('-').next().unwrap();
    let index = index.map_or_else(String::new, |index| format!("/index/{index}"));
    let resource = format!("table/{table}{index}");
    let mut line = BTreeMap::from([
        ("function", json!(function)),
        ("action", json!(format!("dynamodb:{action}"))),
        ("resource", json!(resource)),
        ("keys", json!(keys)),
    ]);
    line.extend(attributes.map(|attributes| ("attributes", json!(attributes))));
    note(&json!(line));
}

/// What kind of row a partition key names.
fn kind(key: &Value) -> String {
    let key = key["S"].as_str().unwrap();
    match (key.split_once('_'), key.split_once('#')) {
        (Some((kind @ ("sk" | "vault"), _)), _) => format!("{kind}_*"),
        (_, Some((kind, _))) => format!("{kind}#*"),
        _ => key.to_owned(),
    }
}

/// The top-level attributes that an update names, in its key, its changes and its conditions.
fn attributes(update: &Value) -> BTreeSet<String> {
    const WORDS: [&str; 12] = [
        "SET",
        "REMOVE",
        "ADD",
        "DELETE",
        "AND",
        "OR",
        "NOT",
        "attribute_exists",
        "attribute_not_exists",
        "if_not_exists",
        "list_append",
        "size",
    ];
    let mut named: BTreeSet<String> = update["Key"].as_object().unwrap().keys().cloned().collect();
    for expression in ["UpdateExpression", "ConditionExpression"] {
        let text = update[expression].as_str().unwrap_or_default();
        let in_name = |c: char| c.is_alphanumeric() || c == '_' || c == '#' || c == ':' || c == '.';
        for word in text.split(|c| !in_name(c)).filter(|word| !word.is_empty() && !WORDS.contains(word)) {
            let top = word.split('.').next().unwrap();
            match top.chars().next().unwrap() {
                ':' => {}
                '#' => drop(named.insert(update["ExpressionAttributeNames"][top].as_str().unwrap().to_owned())),
                _ => drop(named.insert(top.to_owned())),
            }
        }
    }
    named
}
