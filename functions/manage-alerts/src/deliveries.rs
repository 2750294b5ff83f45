//! `POST webhooks/{webhookId}/test`, `…/deliveries/query` and `…/deliveries/{deliveryId}/redeliver`: what a webhook was told, and
//! telling it again. Nothing of a receiver's answer is shown but its status.

use axum::extract::State;
use crypto::random;
use edge::answer::Done;
use edge::listing::{Page, Pager};
use edge::paging::SIZE_LIMIT;
use edge::{Body, Error, Ids, Json, Principal, done};
use rules::Time;
use rules::audit::Action;
use rules::nouns::{Delivery, DeliveryId, DeliveryStatus, Waiting, WebhookId};
use rules::webhooks;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::webhook::{self, of_delivery};
use store::{Place, StoreError};

use crate::App;

/// How many deliveries are listed and can be sent again.
const LISTED: usize = 100;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "DeliveryQuery")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Query {
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Deliveries {
    deliveries: Vec<DeliveryView>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryView {
    id: DeliveryId,
    event: Action,
    status: DeliveryStatus,
    attempts: u64,
    /// The status of the last answer, if there was one.
    response_status: Option<u16>,
    /// Why the last attempt failed, if it did.
    error: Option<String>,
    /// How long the last attempt took.
    duration_ms: Option<u64>,
    created_at: Time,
    last_attempt_at: Option<Time>,
    next_attempt_at: Option<Time>,
}

impl DeliveryView {
    fn of(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            event: delivery.event,
            status: delivery.status,
            attempts: delivery.attempts,
            response_status: delivery.response_status,
            error: delivery.error,
            duration_ms: delivery.duration_ms,
            created_at: delivery.created_at,
            last_attempt_at: delivery.last_attempt_at,
            next_attempt_at: delivery.next_attempt_at,
        }
    }
}

/// The delivery that an action brought about.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StartedDelivery")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Started {
    delivery_id: DeliveryId,
}

impl App {
    /// The newest deliveries of a webhook, the newest first.
    async fn newest(&self, webhook: WebhookId) -> Result<Vec<(Place, Delivery)>, StoreError> {
        Ok(self.store.part(&webhook::deliveries(webhook), None, LISTED, true).await?.rows)
    }
}

/// `POST …/test`: sends a test, whatever the webhook is told of and whether or not it is switched on. It is one attempt, and a
/// failure counts for nothing; `deliveries/query` says how it went.
pub(crate) async fn test(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<WebhookId>,
) -> Result<Json<Done<Started>>, Error> {
    by.find(&webhook::row(by.vault, id)).await?;
    let record = by.entry(Action::WebhookTest, format!("Test sent to webhook {id}"));
    let delivery_id = DeliveryId::from_entropy(random::bytes());
    let body = webhooks::body(delivery_id, &record).map_err(|error| Error::internal(error.to_string()))?;
    let delivery = Delivery::new(delivery_id, id, Action::WebhookTest, body, by.now);
    let mut write = app.store.transaction();
    write.put_new(&delivery);
    write.put(&webhook::first_attempt(&delivery, true));
    write.record(&record);
    write.commit().await?;
    app.send_now(by.vault, id, by.now).await?;
    Ok(done(Started { delivery_id }))
}

/// `POST …/deliveries/query`: the last 100 deliveries, the newest first, a page at a time. They are kept for 30 days.
pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<WebhookId>,
    Body(query): Body<Query>,
) -> Result<Json<Page<Deliveries>>, Error> {
    by.find(&webhook::row(by.vault, id)).await?;
    let mut pager = Pager::page(query.limit, query.cursor.as_deref())?.backward(true);
    for (place, delivery) in pager.over(app.newest(id).await?) {
        pager.take(place, DeliveryView::of(delivery));
    }
    Ok(pager.end().page(|deliveries| Deliveries { deliveries }))
}

/// `POST …/redeliver`: one more attempt now, with the same id and body. It changes no count of failures.
pub(crate) async fn redeliver(
    State(app): State<App>,
    by: Principal,
    Ids((id, delivery)): Ids<(WebhookId, DeliveryId)>,
) -> Result<Json<Done<Started>>, Error> {
    by.find(&webhook::row(by.vault, id)).await?;
    let mut newest = app.newest(id).await?.into_iter().map(|(_, delivery)| delivery);
    let found = newest.find(|known| known.id == delivery).ok_or_else(|| Error::not_found("Delivery"))?;
    let mut write = app.store.transaction();
    // One that still waits for its next attempt goes on waiting for that, too.
    if found.status != DeliveryStatus::Pending {
        let change = webhook::delivery(id, found.created_at, found.id).change();
        let change = change.set(of_delivery::STATUS, &DeliveryStatus::Pending);
        write.change(change.set(of_delivery::NEXT_ATTEMPT_AT, &Some(by.now)));
    }
    write.put(&Waiting { due_at: by.now, ..webhook::first_attempt(&found, true) });
    write.record(&by.entry(Action::WebhookRedeliver, format!("Delivery {delivery} sent again to webhook {id}")));
    write.commit().await?;
    app.send_now(by.vault, id, by.now).await?;
    Ok(done(Started { delivery_id: delivery }))
}
