//! The calls of the cases as the engine makes them, and what a backend answers as DynamoDB puts it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynamodb::Image;
use serde_json::{Map, Value, json};
use store::backend::{Backend, Held, PrimaryKey, PutItem, Query, Reason, Terms, TransactItem, UpdateItem, WriteError};
use store::{Item, StoreError};

/// A case's call as the engine makes it.
pub(crate) enum Call {
    Get(String, PrimaryKey),
    BatchGet(Vec<(String, Vec<PrimaryKey>)>),
    Query(String, Query),
    Put(PutItem),
    Update(UpdateItem),
    Transact(Vec<TransactItem>),
}

/// A request's fields, each asked for once: one that nobody asks for is one that the engine cannot say.
struct Fields(Map<String, Value>);

impl Fields {
    fn of(body: &Value) -> Option<Self> {
        body.as_object().cloned().map(Self)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).map(|value| value.as_str().unwrap().to_owned())
    }

    fn flag(&mut self, name: &str, meaning: &str) -> bool {
        self.0.remove(name).is_some_and(|value| value == meaning)
    }

    fn item(&mut self, name: &str) -> Option<Item> {
        self.0.remove(name).and_then(|value| item(&value))
    }

    fn key(&mut self) -> Option<PrimaryKey> {
        self.0.remove("Key").and_then(|value| key(&value))
    }

    fn terms(&mut self) -> Option<Terms> {
        let names = self.0.remove("ExpressionAttributeNames").unwrap_or_else(|| json!({}));
        let name = |(alias, name): (&String, &Value)| (alias.clone().into(), name.as_str().unwrap().to_owned().into());
        let values = self.0.remove("ExpressionAttributeValues").unwrap_or_else(|| json!({}));
        Some(Terms { names: names.as_object()?.iter().map(name).collect(), values: item(&values)? })
    }

    fn put(mut self) -> Option<PutItem> {
        let put = PutItem {
            table: self.text("TableName")?.into(),
            item: self.item("Item")?,
            condition: self.text("ConditionExpression").map(Into::into),
            tell_old: self.flag("ReturnValuesOnConditionCheckFailure", "ALL_OLD"),
        };
        self.0.is_empty().then_some(put)
    }

    fn change(mut self) -> Option<UpdateItem> {
        let change = UpdateItem {
            table: self.text("TableName")?.into(),
            key: self.key()?,
            update: self.text("UpdateExpression")?.into(),
            condition: self.text("ConditionExpression").map(Into::into),
            terms: self.terms()?,
            tell_new: match self.text("ReturnValues").as_deref() {
                None => false,
                Some("ALL_NEW") => true,
                Some(_) => return None,
            },
        };
        self.0.is_empty().then_some(change)
    }

    fn held(mut self) -> Option<Held> {
        let held = Held {
            table: self.text("TableName")?.into(),
            key: self.key()?,
            condition: self.text("ConditionExpression").map(Into::into),
            terms: self.terms()?,
        };
        self.0.is_empty().then_some(held)
    }

    fn step(mut self) -> Option<TransactItem> {
        let step = match (self.0.remove("Put"), self.0.remove("Update"), self.0.remove("Delete")) {
            (Some(put), None, None) => Fields::of(&put)?.put().filter(|put| !put.tell_old).map(TransactItem::Put),
            (None, Some(change), None) => Fields::of(&change)?.change().map(TransactItem::Update),
            (None, None, Some(held)) => Fields::of(&held)?.held().map(TransactItem::Delete),
            (None, None, None) => Fields::of(&self.0.remove("ConditionCheck")?)?.held().map(TransactItem::Check),
            _ => None,
        };
        step.filter(|_| self.0.is_empty())
    }
}

fn item(value: &Value) -> Option<Item> {
    serde_json::from_value(value.clone()).ok().map(|Image(item)| item)
}

/// A key of texts alone.
fn key(value: &Value) -> Option<PrimaryKey> {
    let fields = value.as_object()?;
    let text = |name: &str| fields.get(name).and_then(|value| value["S"].as_str()).map(str::to_owned);
    let key = PrimaryKey { pk: text("pk")?, sk: text("sk") };
    (fields.len() == 1 + usize::from(key.sk.is_some())).then_some(key)
}

impl Call {
    /// Nothing for a call that the engine cannot say.
    pub(crate) fn of(operation: &str, body: &Value) -> Option<Self> {
        let mut fields = Fields::of(body)?;
        match operation {
            "GetItem" => {
                fields.0.remove("ConsistentRead");
                let (table, key) = (fields.text("TableName")?, fields.key()?);
                fields.0.is_empty().then_some(Self::Get(table, key))
            }
            "BatchGetItem" => {
                let tables = body["RequestItems"].as_object()?.iter();
                let keys = |of: &Value| of["Keys"].as_array()?.iter().map(key).collect::<Option<Vec<_>>>();
                let tables = tables.map(|(table, of)| Some((table.clone(), keys(of)?)));
                tables.collect::<Option<_>>().map(Self::BatchGet)
            }
            "Query" => {
                let table = fields.text("TableName")?;
                let query = Query {
                    index: fields.text("IndexName").map(Into::into),
                    condition: fields.text("KeyConditionExpression")?.into(),
                    terms: fields.terms()?,
                    consistent: fields.0.remove("ConsistentRead").is_some_and(|value| value == true),
                    backward: fields.0.remove("ScanIndexForward").is_some_and(|value| value == false),
                    most: fields.0.remove("Limit").map(|most| most.as_u64().unwrap().try_into().unwrap()),
                    from: fields.item("ExclusiveStartKey"),
                    count_only: fields.flag("Select", "COUNT"),
                };
                fields.0.is_empty().then_some(Self::Query(table, query))
            }
            "PutItem" => fields.put().map(Self::Put),
            "UpdateItem" => fields.change().map(Self::Update),
            "TransactWriteItems" => {
                let steps = fields.0.remove("TransactItems")?;
                let steps = steps.as_array()?.iter().map(|step| Fields::of(step)?.step());
                let steps = steps.collect::<Option<_>>()?;
                fields.0.is_empty().then_some(Self::Transact(steps))
            }
            _ => None,
        }
    }

    /// What the backend answers, put as DynamoDB puts it.
    pub(crate) async fn answer(self, backend: &dyn Backend) -> (u16, Value) {
        let told = |item: Option<Item>, name: &str| match item {
            Some(item) => json!({ name: json(item) }),
            None => json!({}),
        };
        let all = |items: Vec<Item>| items.into_iter().map(json).collect::<Value>();
        let answer = match self {
            Self::Get(table, key) => {
                backend.get(&table.into(), key).await.map(|item| told(item, "Item")).map_err(WriteError::from)
            }
            Self::BatchGet(keys) => {
                let keys = keys.into_iter().map(|(table, keys)| (table.into(), keys)).collect();
                let got = backend.batch_get(keys).await.map(|got| {
                    let rows: Map<_, _> =
                        got.items.into_iter().map(|(table, items)| (table.to_string(), all(items))).collect();
                    let left_out: Map<_, _> =
                        got.left_out.into_iter().map(|(table, keys)| (table.to_string(), json!(keys.len()))).collect();
                    json!({ "Responses": rows, "UnprocessedKeys": left_out })
                });
                got.map_err(WriteError::from)
            }
            Self::Query(table, query) => {
                let page = backend.query(&table.into(), query).await.map(|page| {
                    let mut answer = told(page.next, "LastEvaluatedKey");
                    answer["Items"] = all(page.items);
                    answer["Count"] = json!(page.count);
                    answer
                });
                page.map_err(WriteError::from)
            }
            Self::Put(put) => backend.put(put).await.map(|()| json!({})),
            Self::Update(change) => backend.update(change).await.map(|item| told(item, "Attributes")),
            Self::Transact(steps) => backend.transact(steps).await.map(|()| json!({})),
        };
        match answer {
            Ok(answer) => (200, answer),
            Err(WriteError::Condition(there)) => {
                let mut refusal = told(there, "Item");
                refusal["__type"] = json!("ConditionalCheckFailedException");
                (400, refusal)
            }
            Err(WriteError::Cancelled(reasons, _)) => {
                let code = |reason: Option<Reason>| match reason {
                    None => "None".to_owned(),
                    Some(Reason::Condition) => "ConditionalCheckFailed".to_owned(),
                    Some(Reason::Conflict) => "TransactionConflict".to_owned(),
                    Some(Reason::Other(code)) => code,
                };
                let reasons: Vec<_> = reasons.into_iter().map(|reason| json!({ "Code": code(reason) })).collect();
                (400, json!({ "__type": "TransactionCanceledException", "CancellationReasons": reasons }))
            }
            Err(WriteError::Store(
                StoreError::Refused(text) | StoreError::Unavailable(text) | StoreError::Damaged(text),
            )) => (400, json!({ "__type": text.split(':').next() })),
        }
    }
}

/// An item in DynamoDB's JSON.
fn json(item: Item) -> Value {
    item.into_iter().map(|(name, value)| (name.into_owned(), json_value(value))).collect::<Map<_, _>>().into()
}

fn json_value(value: store::Value) -> Value {
    use store::Value;
    match value {
        Value::S(text) => json!({ "S": text }),
        Value::N(number) => json!({ "N": number }),
        Value::B(bytes) => json!({ "B": STANDARD.encode(bytes) }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Null => json!({ "NULL": true }),
        Value::Ss(texts) => json!({ "SS": texts }),
        Value::Ns(numbers) => json!({ "NS": numbers }),
        Value::Bs(bytes) => json!({ "BS": bytes.iter().map(|bytes| STANDARD.encode(bytes)).collect::<Vec<_>>() }),
        Value::L(values) => json!({ "L": values.into_iter().map(json_value).collect::<Vec<_>>() }),
        Value::M(item) => json!({ "M": json(item) }),
    }
}
