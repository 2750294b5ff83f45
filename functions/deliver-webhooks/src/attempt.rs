//! One attempt: what is sent, and what is noted of it.

use edge::Error;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use rules::nouns::{Delivery, DeliveryStatus, Waiting, Webhook};
use rules::webhooks::{self, Signatures};
use store::Put as _;
use store::webhook::{self, of_delivery};
use tokio::time::Instant;

use crate::DeliverWebhooks;
use crate::queue::Signing;

/// What came of an attempt.
pub(crate) enum Outcome {
    /// None was made.
    Nothing,
    /// The receiver took it. `counts` is false of one that somebody asked for.
    Delivered { counts: bool },
    /// It failed, and is tried again, or somebody had asked for it.
    Failed,
    /// It failed for good.
    FailedForGood { error: String },
}

/// The headers of an attempt.
fn headers(delivery: &Delivery, signatures: Signatures) -> Result<HeaderMap, Error> {
    let id = delivery.id.to_string();
    let Signatures { body, body_previous, timestamp, standard } = signatures;
    let own = [
        ("content-type", "application/json".to_owned()),
        ("x-sikkerkey-delivery-id", id.clone()),
        ("x-sikkerkey-event", delivery.event.kind().name.to_owned()),
        ("x-sikkerkey-signature", body),
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", standard),
    ];
    let previous = body_previous.map(|body| ("x-sikkerkey-signature-previous", body));
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, HeaderValue::from_static("SikkerKey-Webhook/1.0"));
    for (name, value) in own.into_iter().chain(previous) {
        let value = HeaderValue::try_from(value).map_err(|error| Error::internal(error.to_string()))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

impl DeliverWebhooks {
    /// Sends a delivery, and notes the answer: until then it waits.
    pub(crate) async fn attempt(
        &self,
        webhook: &Webhook,
        signing: &Signing,
        waiting: &Waiting,
        delivery: &Delivery,
    ) -> Result<Outcome, Error> {
        let (now, begun) = (self.clock.now(), Instant::now());
        let Signing { deployment, secrets } = signing;
        let sent = match webhooks::sign(delivery.id, &delivery.body, now, secrets, deployment) {
            Some(signatures) => {
                let headers = headers(delivery, signatures)?;
                self.outbound.post(&webhook.url, headers, delivery.body.clone()).await.map_err(|it| it.to_string())
            }
            None => Err("the signing secret is damaged; rotate it".to_owned()),
        };
        let (answered, error) = match sent {
            Ok(status @ 200..300) => (Some(status), None),
            Ok(status) => (Some(status), Some(format!("answered {status}"))),
            Err(error) => (None, Some(error)),
        };
        let attempts = delivery.attempts + 1;
        let [random] = crypto::random::bytes();
        // One that somebody asked for leaves the plan of the others as it is.
        let next = match &error {
            None => None,
            Some(_) if waiting.once => delivery.next_attempt_at.filter(|planned| *planned != waiting.due_at),
            Some(_) => webhooks::next_attempt(attempts, now, random),
        };
        let status = match (&error, next) {
            (None, _) => DeliveryStatus::Delivered,
            (Some(_), Some(_)) => DeliveryStatus::Pending,
            (Some(_), None) => DeliveryStatus::Failed,
        };
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let change = webhook::delivery(delivery.webhook, delivery.created_at, delivery.id).change();
        let change = change
            .set(of_delivery::STATUS, &status)
            .set(of_delivery::ATTEMPTS, &attempts)
            .set(of_delivery::RESPONSE_STATUS, &answered)
            .set(of_delivery::ERROR, &error)
            .set(of_delivery::DURATION_MS, &Some(took))
            .set(of_delivery::LAST_ATTEMPT_AT, &Some(now))
            .set(of_delivery::NEXT_ATTEMPT_AT, &next);
        let mut write = self.store.transaction();
        write.change(change);
        write.delete(&waiting.key());
        if let Some(due_at) = next.filter(|_| !waiting.once) {
            write.put(&Waiting { due_at, ..waiting.clone() });
        }
        write.commit().await?;
        Ok(match (error, status) {
            (None, _) => Outcome::Delivered { counts: !waiting.once },
            (Some(error), DeliveryStatus::Failed) if !waiting.once => Outcome::FailedForGood { error },
            (Some(_), _) => Outcome::Failed,
        })
    }
}
