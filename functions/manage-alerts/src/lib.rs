//! Who is told of what is recorded: alert mails, and webhooks with their deliveries.

mod alerts;
mod create;
mod delete;
mod deliveries;
mod list;

mod update;

use std::sync::Arc;

use edge::seal::Seal;
use edge::{Base, Courier, Routes};
use protocol::VaultId;
use rules::nouns::WebhookId;
use rules::scope::Needs;
use rules::scope::Scope::{AlertsRead, AlertsWrite};
use schemars::JsonSchema;
use serde::Serialize;
use store::Lists;

#[derive(Clone)]
struct App {
    store: Lists,
    seal: Seal,
    courier: Arc<dyn Courier>,
}

/// The function's routes.
pub fn routes(base: &Base, seal: Seal, courier: Arc<dyn Courier>) -> Routes {
    let app = App { store: base.store.lists(), seal, courier };
    Routes::of("manage-alerts")
        .managed(base)
        .get("alerts", AlertsRead, alerts::show)
        .get("alerts/actions", AlertsRead, alerts::actions)
        .post("alerts", AlertsWrite, alerts::set)
        .get("webhooks", AlertsRead, list::list)
        .post("webhooks", AlertsWrite, create::create)
        .post("webhooks/query", AlertsRead, list::query)
        .get("webhooks/{webhookId}", AlertsRead, list::one)
        .post("webhooks/{webhookId}/update", AlertsWrite, update::update)
        .post("webhooks/{webhookId}/rotate-secret", Needs::Person, create::rotate_secret)
        .post("webhooks/{webhookId}/delete", AlertsWrite, delete::delete)
        .post("webhooks/{webhookId}/test", AlertsWrite, deliveries::test)
        .post("webhooks/{webhookId}/deliveries/query", AlertsRead, deliveries::query)
        .post("webhooks/{webhookId}/deliveries/{deliveryId}/redeliver", AlertsWrite, deliveries::redeliver)
        .with_state(app)
}

/// The webhook that an action touched.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChangedWebhook")]
#[serde(rename_all = "camelCase")]
struct Touched {
    webhook_id: WebhookId,
}

impl App {
    /// Has what waits for a webhook sent now.
    async fn send_now(&self, vault: VaultId, webhook: WebhookId, now: rules::Time) -> Result<(), edge::Error> {
        self.store.put_queues(vault, &[webhook], now).await?;
        self.courier.wake(vec![webhook]).await;
        Ok(())
    }
}
