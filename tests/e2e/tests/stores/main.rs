//! The stores side by side. `cases.json` has calls to DynamoDB and what it answers by its documentation: each operation
//! that SikkerKey uses, its refusals and its limits. The embedded store is held to it, and so is the one that
//! `SIKKERKEY_E2E_DYNAMODB` names. Where a store is known to differ, [`DIFFERENCES`] says so, and why nothing of ours
//! depends on it; a difference that is not there any more fails as well.
//!
//! The cases are sent as they are, in JSON, and those that the engine can say also through its backends: by the AWS client
//! and, to the embedded store, by its own types. So what the engine is told is held to the same answers, whoever tells it.
//!
//! In the cases `@` stands for something unique, `{"$text": n}` for a text of n letters, `{"$list": n, "of": x}` for n
//! times x with `%` counting; `given` is put before, `then` is what the partition holds afterwards.

mod call;
mod differences;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use connector::Connector;
use dynamodb::DynamoDb;
use local::embedded::Embedded;
use serde_json::{Map, Value, json};
use store::backend::Backend;

use crate::call::Call;
use crate::differences::DIFFERENCES;

/// Cases that the engine cannot say to a backend: its keys are texts, and it has no words for what it does not use.
const UNSAYABLE: [&str; 17] = [
    "a table that is there",
    "put over a row, asking for the old one",
    "put that asks for the new row",
    "two types in one value",
    "an alias that is not used",
    "a value that is not used",
    "aliases without an expression",
    "update of a row that has to be there, asking for what is there",
    "update that asks for what changed",
    "update that asks for the old row",
    "get with more than the key",
    "query with a reserved word",
    "transaction that asks for what is there",
    "transaction with two actions in one step",
    "transaction with an alias that is not used",
    "transaction sent twice happens once",
    "transaction with a token of another",
];

/// A store that takes DynamoDB's requests.
enum Place {
    Embedded(Connector),
    At(String),
}

impl Place {
    /// Status and body.
    async fn send(&self, operation: &str, body: &Value) -> (u16, Value) {
        match self {
            Self::Embedded(embedded) => {
                let (status, answer) = embedded.answer(operation, body.to_string().as_bytes()).await;
                (status, serde_json::from_slice(&answer).unwrap())
            }
            Self::At(address) => post(address, operation, &body.to_string()),
        }
    }
}

/// HTTP/1.0, so that the answer ends with the connection.
fn post(address: &str, operation: &str, body: &str) -> (u16, Value) {
    let request = format!(
        "POST / HTTP/1.0\r\nhost: {address}\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\
         x-amz-target: DynamoDB_20120810.{operation}\r\nauthorization: AWS4-HMAC-SHA256 \
         Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
    let body = serde_json::from_slice(&answer[end + 4..]);
    (status, body.unwrap_or_else(|_| json!({ "__type": format!("no JSON, status {status}") })))
}

/// Every text in the value changed, and every key of its maps.
fn map_texts(value: &Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(values) => values.iter().map(|value| map_texts(value, change)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (change(name), map_texts(value, change))).collect())
        }
        other => other.clone(),
    }
}

fn number(value: &Value, number: u64) -> Value {
    map_texts(value, &|text| text.replace('%', &format!("{number:03}")))
}

/// The value with what is short for something longer written out.
fn written_out(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(written_out).collect(),
        Value::Object(fields) => {
            if let Some(length) = fields.get("$text").and_then(Value::as_u64) {
                return Value::String("x".repeat(usize::try_from(length).unwrap()));
            }
            if let Some(times) = fields.get("$list").and_then(Value::as_u64) {
                return (0..times).map(|count| number(&written_out(&fields["of"]), count)).collect();
            }
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), written_out(value))).collect())
        }
        other => other.clone(),
    }
}

/// A value as text, whatever the order of its fields.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().map(|(name, value)| (name, canonical(value))).collect();
            format!("{fields:?}")
        }
        Value::Array(members) => format!("{:?}", members.iter().map(canonical).collect::<Vec<_>>()),
        value => value.to_string(),
    }
}

/// The value with the members of sets in order, which is not part of an answer.
fn in_order(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(in_order).collect(),
        Value::Object(fields) => {
            let ordered = fields.iter().map(|(name, value)| {
                let mut value = in_order(value);
                if let ("SS" | "NS" | "BS", Value::Array(members)) = (name.as_str(), &mut value) {
                    members.sort_by_key(canonical);
                }
                (name.clone(), value)
            });
            Value::Object(ordered.collect())
        }
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.is_null()
}

/// What an answer says, without what stores may put differently: messages, capacity, the order of a batch's rows.
fn verdict(status: u16, body: &Value, only: Option<&Value>) -> Value {
    let mut said = Map::new();
    let Value::Object(fields) = in_order(body) else { return Value::Null };
    if status != 200 {
        let kind = fields.get("__type").and_then(Value::as_str).unwrap_or_default();
        said.insert("error".to_owned(), json!(kind.rsplit('#').next()));
        if let Some(item) = fields.get("Item").filter(|item| !is_empty(item)) {
            said.insert("item".to_owned(), item.clone());
        }
        if let Some(Value::Array(reasons)) = fields.get("CancellationReasons") {
            said.insert("reasons".to_owned(), reasons.iter().map(|reason| reason["Code"].clone()).collect());
            let items: Vec<Value> =
                reasons.iter().map(|reason| reason["Item"].clone()).filter(|i| !is_empty(i)).collect();
            if !items.is_empty() {
                said.insert("items".to_owned(), Value::Array(items));
            }
        }
        return Value::Object(said);
    }
    for (name, mut value) in fields {
        match name.as_str() {
            "ConsumedCapacity" | "ItemCollectionMetrics" | "ScannedCount" | "TableDescription" => continue,
            "Attributes" | "Item" | "LastEvaluatedKey" | "UnprocessedKeys" if is_empty(&value) => continue,
            "Responses" => {
                for rows in value.as_object_mut().unwrap().values_mut() {
                    rows.as_array_mut().unwrap().sort_by_key(canonical);
                }
            }
            _ => {}
        }
        match only.and_then(Value::as_array) {
            None => _ = said.insert(name, value),
            // Of a long answer, only whether it has this.
            Some(names) if names.contains(&json!(name)) => _ = said.insert(name, json!("some")),
            Some(_) => {}
        }
    }
    Value::Object(said)
}

/// The tables of the cases, as SikkerKey's are.
fn tables() -> [Value; 2] {
    let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    [
        json!({
            "TableName": "stores-vault", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
            "AttributeDefinitions": (["pk", "sk", "ownerPk", "ownerSk"].map(attribute)),
            "GlobalSecondaryIndexes": [{
                "IndexName": "by-owner", "Projection": { "ProjectionType": "ALL" },
                "KeySchema": [key("ownerPk", "HASH"), key("ownerSk", "RANGE")],
            }],
        }),
        json!({
            "TableName": "stores-audit", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [key("pk", "HASH")], "AttributeDefinitions": [attribute("pk")],
        }),
    ]
}

/// The body with the table that is meant where none is named.
fn with_table(prefix: &str, operation: &str, mut body: Value) -> Value {
    if matches!(operation, "GetItem" | "PutItem" | "Query" | "UpdateItem") && body.get("TableName").is_none() {
        body["TableName"] = json!(format!("{prefix}-vault"));
    }
    body
}

/// A store under test, with tables of its own.
struct Trial {
    place: Place,
    name: &'static str,
    prefix: String,
    /// The engine's way to the store, if the cases go that way.
    backend: Option<Arc<dyn Backend>>,
}

impl Trial {
    async fn of(place: Place, name: &'static str, backend: Option<Arc<dyn Backend>>) -> Self {
        let trial = Self { place, name, prefix: hex::encode(crypto::random::bytes::<4>()), backend };
        for table in tables() {
            let (status, answer) = trial.place.send("CreateTable", &trial.own(&table, "")).await;
            assert_eq!(status, 200, "{answer}");
        }
        trial
    }

    /// The value for this run, and for one case of it.
    fn own(&self, value: &Value, unique: &str) -> Value {
        let tables = format!("{}-", self.prefix);
        map_texts(&written_out(value), &|text| text.replace("stores-", &tables).replace('@', unique))
    }

    async fn send(&self, operation: &str, body: Value) -> (u16, Value) {
        self.place.send(operation, &with_table(&self.prefix, operation, body)).await
    }

    /// What is said to a case's call.
    async fn answer(&self, case: &Value, unique: &str) -> Value {
        let (operation, body) = (case["operation"].as_str().unwrap(), self.own(&case["body"], unique));
        let (status, answer) = match &self.backend {
            None => self.send(operation, body).await,
            Some(backend) => {
                let call = Call::of(operation, &with_table(&self.prefix, operation, body));
                call.expect("a case that the engine can say").answer(&**backend).await
            }
        };
        verdict(status, &answer, case.get("only"))
    }

    async fn give(&self, given: &Value, unique: &str) {
        let send = async |operation: &str, body: Value| {
            let (status, answer) = self.send(operation, body).await;
            assert_eq!(status, 200, "what a case is given: {answer}");
        };
        if let Some(operation) = given.get("$sent").and_then(Value::as_str) {
            send(operation, self.own(&given["body"], unique)).await;
        } else if let Some(times) = given.get("$rows").and_then(Value::as_u64) {
            let row = self.own(&given["of"], unique);
            for count in 0..times {
                send("PutItem", json!({ "Item": number(&row, count) })).await;
            }
        } else {
            send("PutItem", json!({ "Item": self.own(given, unique) })).await;
        }
    }

    /// What is different in this case: what the store answers in short, and both answers.
    async fn differences(&self, case: &Value, unique: &str) -> Option<(String, String)> {
        for given in case.get("given").and_then(Value::as_array).into_iter().flatten() {
            self.give(given, unique).await;
        }
        let said = self.answer(case, unique).await;
        let expected = in_order(&self.own(&case["expect"], unique));
        let short = said["error"].as_str().unwrap_or("ok").to_owned();
        if said != expected {
            return Some((short, format!("wanted {expected}, got {said}")));
        }
        let expected = in_order(&self.own(case.get("then")?, unique));
        let query = json!({
            "KeyConditionExpression": "pk = :pk", "ConsistentRead": true,
            "ExpressionAttributeValues": { ":pk": { "S": unique } },
        });
        let rows = in_order(&self.send("Query", query).await.1["Items"]);
        (rows != expected).then(|| (short, format!("wanted the rows {expected}, got {rows}")))
    }

    /// Every case, held against what is known of this store.
    async fn run(&self) {
        let cases: Vec<Value> = serde_json::from_str(include_str!("cases.json")).unwrap();
        let mut wrong = vec![];
        for (at, case) in cases.iter().enumerate() {
            let name = case["name"].as_str().unwrap();
            if self.backend.is_some() && UNSAYABLE.contains(&name) {
                continue;
            }
            let known = DIFFERENCES.iter().find(|known| known.store == self.name && known.case == name);
            let found = self.differences(case, &format!("{}-{at}", self.prefix)).await;
            match (known, found) {
                (None, None) => {}
                (Some(known), Some((short, _))) if known.instead == short => {
                    println!("{}, {name}: {short}. Known: {}", self.name, known.why);
                }
                (Some(_), None) => wrong.push(format!("{name}: it does not differ any more; take it off the list")),
                (_, Some((short, texts))) => wrong.push(format!("{name}: {short}: {}", shortened(&texts))),
            }
        }
        assert!(wrong.is_empty(), "{} differs from DynamoDB:\n{}", self.name, wrong.join("\n"));
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(600).collect()
}

#[test]
fn what_is_said_of_a_difference_names_a_case() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("cases.json")).unwrap();
    for difference in &DIFFERENCES {
        assert!(cases.iter().any(|case| case["name"] == difference.case), "no case {}", difference.case);
    }
}

#[tokio::test]
async fn the_embedded_store_answers_as_dynamodb_does() {
    let embedded = Embedded::in_memory().unwrap();
    Trial::of(Place::Embedded(Connector(embedded)), "dynoxide", None).await.run().await;
}

#[tokio::test]
async fn the_embedded_store_by_its_own_types_answers_as_dynamodb_does() {
    let embedded = Embedded::in_memory().unwrap();
    let (typed, place) = (Arc::new(embedded.clone()), Place::Embedded(Connector(embedded)));
    Trial::of(place, "dynoxide, typed", Some(typed)).await.run().await;
}

#[tokio::test]
async fn the_embedded_store_behind_the_client_answers_as_dynamodb_does() {
    let connector = Connector(Embedded::in_memory().unwrap());
    let client = connector::backend(connector.clone());
    Trial::of(Place::Embedded(connector), "dynoxide", Some(client)).await.run().await;
}

#[test]
fn the_engine_can_say_all_but_what_is_known() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("cases.json")).unwrap();
    let sayable = |case: &&Value| {
        let operation = case["operation"].as_str().unwrap();
        Call::of(operation, &with_table("stores", operation, written_out(&case["body"]))).is_some()
    };
    let unsayable: Vec<_> = cases.iter().filter(|case| !sayable(case)).map(|case| &case["name"]).collect();
    assert_eq!(unsayable, UNSAYABLE);
}

#[expect(clippy::disallowed_methods, reason = "the environment says where another store is")]
fn another_endpoint() -> Option<String> {
    std::env::var("SIKKERKEY_E2E_DYNAMODB").ok()
}

#[tokio::test]
async fn another_store_answers_as_dynamodb_does() {
    let Some(endpoint) = another_endpoint() else { return };
    let address = endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let name = if is_ministack(&address) { "ministack" } else { "DynamoDB Local" };
    let client = connector::client(aws_smithy_http_client::Builder::new().build_http(), Some(endpoint));
    Trial::of(Place::At(address.clone()), name, None).await.run().await;
    Trial::of(Place::At(address), name, Some(Arc::new(DynamoDb::by(client)))).await.run().await;
}

fn is_ministack(address: &str) -> bool {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("GET /_ministack/health HTTP/1.0\r\nhost: {address}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_whitespace().nth(1) == Some("200")
}
