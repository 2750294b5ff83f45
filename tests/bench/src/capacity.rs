//! What a warm read asks of DynamoDB and of the key layer: counted, not timed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use connector::Connector;
use local::embedded::Embedded;
use serde_json::{Value, json};

use crate::instance::Instance;
use bench::Failure;
use bench::fixture::Fixture;
use bench::http::Connection;

/// Bytes in one read unit, of a strongly consistent read (DynamoDB's rule).
const READ_UNIT: usize = 4_096;
/// Bytes in one write unit (DynamoDB's rule).
const WRITE_UNIT: usize = 1_024;

/// One kind of request: how many, the units that the embedded store reports for them, and the units that DynamoDB's
/// rules give for their items.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub requests: u64,
    pub reported_units: f64,
    pub units: usize,
    pub items: usize,
    pub largest_item: usize,
}

/// Asks for the capacity of every request and adds it up.
#[derive(Clone, Debug)]
struct Recorder {
    inner: Connector,
    tallies: Arc<Mutex<BTreeMap<String, Tally>>>,
}

impl Recorder {
    fn add(&self, operation: &str, sent: &Value, answer: &Value) {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = tallies.entry(operation.to_owned()).or_default();
        tally.requests += 1;
        let reported = match &answer["ConsumedCapacity"] {
            Value::Array(tables) => tables.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum(),
            table => table["CapacityUnits"].as_f64().unwrap_or_default(),
        };
        tally.reported_units += reported;
        let (items, units) = match operation {
            "BatchGetItem" => read_units(sent, answer),
            "PutItem" => write_units(&sent["Item"]),
            "TransactWriteItems" => transaction_units(sent),
            _ => return,
        };
        tally.items += items.len();
        tally.units += units;
        tally.largest_item = items.into_iter().chain([tally.largest_item]).max().unwrap_or_default();
    }
}

/// Sizes of the items that came, and the units: at least one for each key, also when there is no item.
fn read_units(sent: &Value, answer: &Value) -> (Vec<usize>, usize) {
    let all = |of: &Value, list: fn(&Value) -> &Value| -> Vec<Value> {
        let tables = of.as_object().into_iter().flat_map(|tables| tables.values());
        tables.filter_map(|table| list(table).as_array()).flatten().cloned().collect()
    };
    let keys = all(&sent["RequestItems"], |table| &table["Keys"]).len();
    let sizes: Vec<usize> = all(&answer["Responses"], |table| table).iter().map(item_bytes).collect();
    let units = sizes.iter().map(|size| size.div_ceil(READ_UNIT)).sum::<usize>() + keys.saturating_sub(sizes.len());
    (sizes, units)
}

/// The item's size, and the units: for the table, and once more for each index that the item is in.
fn write_units(item: &Value) -> (Vec<usize>, usize) {
    let size = item_bytes(item);
    let indexes = ["log", "secret", "agent"].iter().filter(|key| item.get(**key).is_some());
    let rows = 1 + indexes.count();
    (vec![size], rows * size.div_ceil(WRITE_UNIT))
}

/// The sizes of the items that a transaction puts, and the units: two for each started unit of a row, and one for each index
/// that it is in. A row that is changed, whose size is not sent, is small.
fn transaction_units(sent: &Value) -> (Vec<usize>, usize) {
    let steps = sent["TransactItems"].as_array().into_iter().flatten();
    let of_step = |step: &Value| match step.get("Put") {
        Some(put) => {
            let (sizes, units) = write_units(&put["Item"]);
            let of_row = sizes.iter().map(|size| size.div_ceil(WRITE_UNIT)).sum::<usize>();
            (sizes, of_row + units)
        }
        None => (vec![], 2),
    };
    let (sizes, units): (Vec<_>, Vec<_>) = steps.map(of_step).unzip();
    (sizes.concat(), units.iter().sum())
}

/// Size of an item by DynamoDB's rules: names and values in UTF-8, binary as raw bytes, about half a byte a digit,
/// three bytes and one for each entry for lists and maps.
fn item_bytes(item: &Value) -> usize {
    let attributes = item.as_object().into_iter().flatten();
    attributes.map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else { return 0 };
    let text = value.as_str().map_or(0, str::len);
    match kind.as_str() {
        "S" => text,
        "N" => text.div_ceil(2) + 1,
        "B" => text / 4 * 3,
        "L" => 3 + value.as_array().into_iter().flatten().map(|entry| 1 + value_bytes(entry)).sum::<usize>(),
        "M" => 3 + value.as_object().into_iter().flatten().map(|(k, v)| 1 + k.len() + value_bytes(v)).sum::<usize>(),
        _ => 1,
    }
}

impl HttpConnector for Recorder {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            let malformed = || ConnectorError::other("not JSON".into(), None);
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
            let mut sent: Value =
                request.body().bytes().and_then(|body| serde_json::from_slice(body).ok()).ok_or_else(malformed)?;
            if matches!(operation.as_str(), "BatchGetItem" | "GetItem" | "PutItem" | "Query" | "UpdateItem") {
                sent["ReturnConsumedCapacity"] = json!("TOTAL");
                *request.body_mut() = SdkBody::from(sent.to_string());
            }
            let response = this.inner.call(request).await?;
            let answer = response.body().bytes().and_then(|body| serde_json::from_slice(body).ok());
            this.add(&operation, &sent, &answer.unwrap_or_default());
            Ok(response)
        })
    }
}

impl HttpClient for Recorder {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// What this many warm reads asked for.
pub struct Asked {
    pub reads: usize,
    pub by_operation: BTreeMap<String, Tally>,
    pub unwraps: u64,
}

/// Counts this many warm reads. The read that ends the set-up has warmed the instance.
pub async fn count(reads: usize) -> Result<Asked, Failure> {
    let counter = Counter::start().await?;
    let asked = counter.count(reads).await?;
    counter.instance.stop().await?;
    Ok(asked)
}

/// An instance whose requests are counted.
struct Counter {
    recorder: Recorder,
    instance: Instance,
}

impl Counter {
    async fn start() -> Result<Self, Failure> {
        let recorder = Recorder { inner: Connector(Embedded::in_memory()?), tallies: Arc::default() };
        let instance = Instance::start(connector::backend(recorder.clone())).await?;
        Ok(Self { recorder, instance })
    }

    async fn count(&self, reads: usize) -> Result<Asked, Failure> {
        let taken = || std::mem::take(&mut *self.recorder.tallies.lock().unwrap_or_else(PoisonError::into_inner));
        let unwraps_before = self.instance.unwraps();
        taken();
        let (fixture, address) = (self.instance.fixture.clone(), self.instance.address);
        tokio::task::spawn_blocking(move || read(&fixture, address, reads)).await??;
        Ok(Asked { reads, by_operation: taken(), unwraps: self.instance.unwraps() - unwraps_before })
    }
}

fn read(fixture: &Fixture, address: SocketAddr, reads: usize) -> Result<(), Failure> {
    let mut connection = Connection::open(address)?;
    for request in fixture.sign_many(reads) {
        let answer = connection.exchange(&request.bytes)?;
        if answer.status != 200 || answer.body != Fixture::expected_body() {
            return Err(format!("a read answered {}", answer.status).into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_warm_read_is_one_batch_read_and_one_write() {
        let asked = count(10).await.unwrap();
        let requests: Vec<_> = asked.by_operation.iter().map(|(name, tally)| (name.as_str(), tally.requests)).collect();
        assert_eq!(requests, [("BatchGetItem", 10), ("PutItem", 10)]);
        // Seven keys of at most 4 KiB each; one item of at most 1 KiB in the table and in its index.
        assert_eq!(asked.by_operation["BatchGetItem"].units, 70);
        assert_eq!(asked.by_operation["PutItem"].units, 30);
        assert_eq!(asked.unwraps, 0);
    }

    /// What a policy says with these axes on; the machine that reads passes all of them, and is the one that has to read first.
    fn policy(on: u32, machine: &str) -> Value {
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        // From this minute on, for a day less a minute.
        let minutes = edge::Clock::System.now().seconds() / 60;
        let clock = |minute: u64| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
        let axes = [
            json!({ "timeWindowEnabled": true, "timeWindowStart": clock(minutes), "timeWindowEnd": clock(minutes - 1),
                    "timeWindowTimezone": "UTC", "timeWindowDays": days }),
            json!({ "ipAllowlistEnabled": true, "ipAllowlistCidrs": ["127.0.0.0/8"] }),
            json!({ "coSignEnabled": true, "coSignMachineId": machine, "coSignWindowSeconds": 60 }),
            json!({ "rateCapEnabled": true, "maxReadsPerMinute": 1_000_000, "maxReadsPerDay": 1_000_000 }),
            json!({ "ttlMaxReads": 1_000_000, "ttlExpiresAt": 4_000_000_000_000_u64 }),
            json!({ "rotateAfterReads": 1_000_000 }),
        ];
        let mut policy = json!({ "name": format!("axes {on:06b}") });
        for (_, fields) in axes.iter().enumerate().filter(|(axis, _)| on & (1 << axis) != 0) {
            policy.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        }
        policy
    }

    /// The figures of docs/performance.md, for each of the 64 combinations of axes.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_bound_read_costs_two_rows_and_where_something_is_counted_a_transaction() {
        let counter = Counter::start().await.unwrap();
        let (fixture, address) = (counter.instance.fixture.clone(), counter.instance.address);
        for on in 0..64 {
            let (bound, policy) = (fixture.clone(), policy(on, &fixture.machine.to_string()));
            tokio::task::spawn_blocking(move || bound.bind(address, &policy)).await.unwrap().unwrap();
            // Which policy it is bound to is not remembered yet.
            counter.count(1).await.unwrap();
            let asked = counter.count(3).await.unwrap();
            let units: Vec<_> =
                asked.by_operation.iter().map(|(name, tally)| (name.as_str(), tally.requests, tally.units)).collect();
            let write = if on < 4 { ("PutItem", 3, 9) } else { ("TransactWriteItems", 3, 18) };
            assert_eq!(units, [("BatchGetItem", 3, 27), write], "axes {on:06b}");
        }
    }

    #[test]
    fn sizes_follow_the_rules() {
        let item = json!({ "pk": { "S": "ab" }, "n": { "N": "1234" }, "b": { "B": "AAAA" }, "m": { "M": { "k": { "BOOL": true } } } });
        assert_eq!(item_bytes(&item), (2 + 2) + (1 + 3) + (1 + 3) + (1 + 3 + 1 + 1 + 1));
        let sent = json!({ "RequestItems": { "t": { "Keys": [{}, {}] } } });
        let answer = json!({ "Responses": { "t": [{ "pk": { "S": "x".repeat(4_095) } }] } });
        assert_eq!(read_units(&sent, &answer).1, 3);
        assert_eq!(write_units(&json!({ "log": { "S": "x".repeat(1_022) } })).1, 4);
    }
}
