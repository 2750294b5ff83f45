//! Events that are not HTTP: messages from other functions, and schedules.

use std::panic::AssertUnwindSafe;

use dynamodb::Image;
use edge::seal::{Message, Perform, Reply};
use edge::{DeliveryRequest, Error, MailRequest};
use futures_util::FutureExt as _;
use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};
use store::StoreError;
use store::audit::{Logged, Seen};

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

pub(crate) async fn answer_deliveries<D>(
    started: &Start,
    job: impl Fn(DeliveryRequest) -> D,
) -> Result<(), lambda_http::Error>
where
    D: Future<Output = Result<Value, Error>>,
{
    let answer = async |event: LambdaEvent<DeliveryRequest>| {
        let (name, id) = (event.payload.name(), event.context.request_id);
        // A check is a question, and its refusal an answer.
        let is_asked = matches!(event.payload, DeliveryRequest::Check { .. });
        let done = started.telemetry.observe(started.name, name, &id, without_panic(job(event.payload))).await;
        match done {
            done if is_asked => Ok(json!(Reply::from(done))),
            Ok(done) => Ok(done),
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
    fn seen(self) -> Result<Vec<Seen>, StoreError> {
        let seen = self.records.into_iter().map(Change::seen).collect::<Result<Vec<_>, _>>()?;
        Ok(seen.into_iter().flatten().collect())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    event_name: String,
    dynamodb: Images,
    /// Who did it, if it was no request: the TTL.
    user_identity: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Images {
    new_image: Option<Image>,
    old_image: Option<Image>,
}

impl Change {
    /// What it tells of a record, if it is about one.
    fn seen(self) -> Result<Option<Seen>, StoreError> {
        let (image, seen): (_, fn(Logged) -> Seen) = match self.event_name.as_str() {
            "INSERT" => (self.dynamodb.new_image, Seen::Written),
            "MODIFY" => (self.dynamodb.old_image, |logged| Seen::Replaced(logged.record)),
            "REMOVE" if self.user_identity.is_none() => {
                (self.dynamodb.old_image, |logged| Seen::Deleted(logged.record))
            }
            _ => return Ok(None),
        };
        Ok(store::audit::records(image.map(|Image(image)| image))?.pop().map(seen))
    }
}

pub(crate) async fn answer_stream<D>(started: &Start, job: impl Fn(Vec<Seen>) -> D) -> Result<(), lambda_http::Error>
where
    D: Future<Output = Result<usize, Error>>,
{
    let answer = async |event: LambdaEvent<Batch>| {
        let id = event.context.request_id;
        let records = event.payload.seen();
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

    /// A stream's event as DynamoDB sends it: a record, a nonce that is none, a row that was dropped in its time, and what
    /// nobody may do to a record.
    #[test]
    fn records_are_found_in_a_stream() {
        let text = |text: &str| json!({ "S": text });
        let record = json!({ "pk": text("machine#m#n"), "log": text("vault_0123456789#frequent#2"),
            "order": text("0000000000007-00000000"), "ttl": { "N": "31536000" }, "attempt": text("a"),
            "action": text("secret_read"), "severity": text("info"), "actorKind": text("machine"),
            "vault": text("vault_0123456789"), "userId": text("8a1d6f3e-2b5c-4d70-9e84-1f2a3b4c5d6e"),
            "secretId": text("sk_0123456789"), "sourceIp": text("192.0.2.1"), "detail": text("Secret read"),
            "timestamp": { "N": "7" } });
        let batch: Batch = serde_json::from_value(json!({ "Records": [
            { "eventID": "1", "eventName": "INSERT", "dynamodb": { "NewImage": record, "SequenceNumber": "1" } },
            { "eventID": "2", "eventName": "INSERT", "dynamodb": { "NewImage": { "pk": text("machine#m#o") } } },
            { "eventID": "3", "eventName": "REMOVE", "dynamodb": { "OldImage": record },
              "userIdentity": { "type": "Service", "principalId": "dynamodb.amazonaws.com" } },
            { "eventID": "4", "eventName": "REMOVE", "dynamodb": { "OldImage": record } },
            { "eventID": "5", "eventName": "MODIFY", "dynamodb": { "OldImage": record, "NewImage": record } },
        ] }))
        .unwrap();
        let seen = batch.seen().unwrap();
        assert!(
            matches!(&seen[..], [Seen::Written(one), Seen::Deleted(_), Seen::Replaced(_)]
            if one.record.secret_id.unwrap().to_string() == "sk_0123456789"),
            "{seen:?}"
        );
    }
}
