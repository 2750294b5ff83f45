//! Events that are not HTTP: messages from other functions, and schedules.

use std::panic::AssertUnwindSafe;

use dynamodb::Image;
use edge::seal::{Message, Perform, Reply};
use edge::{Error, MailRequest};
use futures_util::FutureExt as _;
use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use rules::audit::Record;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::start::Start;

/// Work whose panic is an error like any other, so that it has a line and an answer.
async fn without_panic<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.unwrap_or_else(|_| Err(Error::internal("a panic, see standard error")))
}

pub(crate) async fn answer_sealing(started: &Start, seal: &dyn Perform) -> Result<(), lambda_http::Error> {
    let telemetry = started.telemetry.clone().counted_by_the_caller();
    let answer = async |event: LambdaEvent<Message>| {
        let (name, id) = (event.payload.name(), event.context.request_id);
        let work = without_panic(event.payload.perform(seal, &started.base.clock));
        let done = telemetry.observe(started.name, name, &id, work).await;
        Ok::<_, lambda_http::Error>(Reply::from(done))
    };
    lambda_runtime::run(service_fn(answer)).await
}

pub(crate) async fn answer_schedule<D>(started: &Start, job: impl Fn() -> D) -> Result<(), lambda_http::Error>
where
    D: Future<Output = Result<usize, Error>>,
{
    let answer = async |event: LambdaEvent<Value>| {
        let id = event.context.request_id;
        let done = started.telemetry.observe(started.name, "schedule", &id, without_panic(job())).await;
        match done {
            Ok(number) => Ok(json!({ "done": number })),
            Err(error) => Err(lambda_http::Error::from(error.outside().to_owned())),
        }
    };
    lambda_runtime::run(service_fn(answer)).await
}

pub(crate) async fn answer_mail_requests<D>(
    started: &Start,
    job: impl Fn(MailRequest) -> D,
) -> Result<(), lambda_http::Error>
where
    D: Future<Output = Result<usize, Error>>,
{
    let answer = async |event: LambdaEvent<MailRequest>| {
        let (name, id) = (event.payload.name(), event.context.request_id);
        let done = started.telemetry.observe(started.name, name, &id, without_panic(job(event.payload))).await;
        match done {
            Ok(number) => Ok(json!({ "done": number })),
            Err(error) => Err(lambda_http::Error::from(error.outside().to_owned())),
        }
    };
    lambda_runtime::run(service_fn(answer)).await
}

/// A batch of the stream of the audit table, as far as it matters here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    records: Vec<Change>,
}

impl Batch {
    fn images(self) -> impl Iterator<Item = store::Item> {
        self.records.into_iter().filter_map(|change| change.dynamodb.new_image).map(|Image(image)| image)
    }
}

#[derive(Deserialize)]
struct Change {
    dynamodb: Images,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Images {
    /// Not there when a row was dropped because its time was over.
    new_image: Option<Image>,
}

pub(crate) async fn answer_stream<D>(started: &Start, job: impl Fn(Vec<Record>) -> D) -> Result<(), lambda_http::Error>
where
    D: Future<Output = Result<usize, Error>>,
{
    let answer = async |event: LambdaEvent<Batch>| {
        let id = event.context.request_id;
        let records = store::audit::records(event.payload.images());
        let work = async { job(records?).await };
        let done = started.telemetry.observe(started.name, "stream", &id, without_panic(work)).await;
        done.map(|number| json!({ "done": number }))
            .map_err(|error| lambda_http::Error::from(error.outside().to_owned()))
    };
    lambda_runtime::run(service_fn(answer)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let broken = async { if true { panic!("with a value in it") } else { Ok(()) } };
        let error = without_panic(broken).await.unwrap_err();
        assert_eq!(error.status(), 500);
        assert!(!format!("{error:?}").contains("value"));
        assert!(without_panic(async { Ok(7) }).await.is_ok());
    }

    /// A stream's event as DynamoDB sends it: a record, a nonce that is none, and a row that was dropped.
    #[test]
    fn records_are_found_in_a_stream() {
        let text = |text: &str| json!({ "S": text });
        let record = json!({ "pk": text("machine#m#n"), "vaultDay": text("vault_0123456789#1#2"),
            "order": text("0000000000007-00000000"), "ttl": { "N": "31536000" }, "attempt": text("a"),
            "action": text("secret_read"), "severity": text("info"), "actorKind": text("machine"),
            "vault": text("vault_0123456789"), "userId": text("8a1d6f3e-2b5c-4d70-9e84-1f2a3b4c5d6e"),
            "secretId": text("sk_0123456789"), "sourceIp": text("192.0.2.1"), "detail": text("Secret read"),
            "timestamp": { "N": "7" } });
        let batch: Batch = serde_json::from_value(json!({ "Records": [
            { "eventID": "1", "eventName": "INSERT", "dynamodb": { "NewImage": record, "SequenceNumber": "1" } },
            { "eventID": "2", "eventName": "INSERT", "dynamodb": { "NewImage": { "pk": text("machine#m#o") } } },
            { "eventID": "3", "eventName": "REMOVE", "dynamodb": { "Keys": { "pk": text("machine#m#p") } } },
        ] }))
        .unwrap();
        let images: Vec<_> = batch.images().collect();
        assert_eq!(images.len(), 2);
        let records = store::audit::records(images).unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].secret_id.unwrap().to_string(), "sk_0123456789");
    }
}
