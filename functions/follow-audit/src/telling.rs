//! Who is told of a record: webhooks that want its action, and the owner if it is in the alert set. Neither gates the other.
//!
//! Deliveries are put down before anybody is woken to send them. A batch that comes again puts the same ones down again, under
//! the same ids, and so changes nothing.

use std::collections::BTreeMap;

use crypto::sha256;
use edge::{Error, MailRequest};
use protocol::VaultId;
use rules::audit::{Action, ActorKind};
use rules::nouns::{Alerts, Delivery, DeliveryId, Webhook, WebhookId};
use rules::webhooks;
use store::audit::Logged;
use store::{day, webhook};

use crate::FollowAudit;

/// The id of the delivery of a record to a webhook: the same whenever it is worked out.
fn delivery_id(logged: &Logged, webhook: WebhookId) -> DeliveryId {
    let hash = sha256(format!("{}\0{webhook}", logged.key).as_bytes());
    let [entropy @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = hash;
    DeliveryId::from_entropy(entropy)
}

impl FollowAudit {
    pub(crate) async fn tell_all(&self, written: &[&Logged]) -> Result<(), Error> {
        let mut by_vault: BTreeMap<VaultId, Vec<&Logged>> = BTreeMap::new();
        for logged in written {
            by_vault.entry(logged.record.vault).or_default().push(logged);
        }
        let mut woken = vec![];
        for (vault, records) in by_vault {
            let (webhooks, alerts) =
                tokio::try_join!(self.store.all(webhook::told_in(vault)), self.store.alerts(vault))?;
            woken.extend(self.put_down(vault, &webhooks, &records).await?);
            self.alert(&alerts, &records).await?;
        }
        if !woken.is_empty() {
            self.courier.wake(woken).await;
        }
        Ok(())
    }

    /// Puts down what webhooks are told of these records; gives the webhooks that are told of something.
    async fn put_down(
        &self,
        vault: VaultId,
        webhooks: &[Webhook],
        records: &[&Logged],
    ) -> Result<Vec<WebhookId>, Error> {
        let now = self.clock.now();
        let mut deliveries = vec![];
        for logged in records {
            let event = logged.record.action;
            for webhook in webhooks.iter().filter(|webhook| webhook.wants(event)) {
                let id = delivery_id(logged, webhook.id);
                let body = webhooks::body(id, &logged.record).map_err(|error| Error::internal(error.to_string()))?;
                deliveries.push(Delivery {
                    created_at: logged.record.timestamp,
                    ..Delivery::new(id, webhook.id, event, body, now)
                });
            }
        }
        if deliveries.is_empty() {
            return Ok(vec![]);
        }
        let wanted = u64::try_from(deliveries.len()).unwrap_or(u64::MAX);
        let taken = self.room_for(vault, wanted).await?;
        deliveries.truncate(usize::try_from(taken).unwrap_or(usize::MAX));
        let mut told: Vec<WebhookId> = deliveries.iter().map(|delivery| delivery.webhook).collect();
        told.sort_unstable();
        told.dedup();
        self.store.put_deliveries(deliveries).await?;
        self.store.put_queues(vault, &told, now).await?;
        Ok(told)
    }

    /// How many deliveries more the vault's plan takes today. The first that it does not take is recorded.
    async fn room_for(&self, vault: VaultId, wanted: u64) -> Result<u64, Error> {
        let now = self.clock.now();
        let Some(row) = self.store.get(&store::vault::row(vault)).await? else { return Ok(0) };
        let limit = self.config.plans.of(&row).webhook_deliveries_per_day;
        let taken = self.store.count_deliveries(vault, wanted, limit, now).await?;
        if taken < wanted {
            let origin = self.origins.of(&row, ActorKind::System, None, now);
            let most = limit.unwrap_or_default();
            let detail =
                format!("The plan has {most} deliveries to webhooks a day; no more are sent before midnight UTC");
            let mut write = self.store.transaction();
            let first = day::note_told(&mut write, vault, now);
            write.record(&origin.entry(Action::WebhookLimitReached, detail));
            write.commit_unless_refused(first).await?;
        }
        Ok(taken)
    }

    /// Asks for a mail for each action that the owner wants to be told of; for each record where none may be held back.
    async fn alert(&self, alerts: &Alerts, records: &[&Logged]) -> Result<(), Error> {
        let mut requests: Vec<MailRequest> = vec![];
        let mut place: BTreeMap<&str, usize> = BTreeMap::new();
        for logged in records {
            let action = logged.record.action;
            if !alerts.want(action) {
                continue;
            }
            let known = place.get(action.kind().name).and_then(|at| requests.get_mut(*at));
            match known {
                Some(MailRequest::Alert { record, more }) if Alerts::holds_back(action) => {
                    *more += 1;
                    **record = logged.record.clone();
                }
                _ => {
                    place.insert(action.kind().name, requests.len());
                    requests.push(MailRequest::Alert { record: Box::new(logged.record.clone()), more: 0 });
                }
            }
        }
        for request in requests {
            self.mail.push_if_sent(request).await?;
        }
        Ok(())
    }
}
