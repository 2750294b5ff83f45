//! How a webhook stands: when it last took something, how often it failed, and when that switches it off.

use edge::Error;
use rules::audit::{Action, ActorKind};
use rules::nouns::Webhook;
use store::webhook;

use crate::DeliverWebhooks;
use crate::attempt::Outcome;

/// How far behind the time may be at which a webhook last took something, in seconds: one that takes many deliveries costs one
/// write a minute.
const NOTED_SECONDS: u64 = 60;
/// How often the note is tried again when somebody else changed the webhook.
const TRIES: usize = 4;

impl DeliverWebhooks {
    /// Notes what came of attempts, in the order in which they ended. Ten failed deliveries in a row switch a webhook off.
    pub(crate) async fn note_standing(&self, mut webhook: Webhook, outcomes: &[Outcome]) -> Result<(), Error> {
        for _ in 0..TRIES {
            if self.try_to_note(&webhook, outcomes).await? {
                return Ok(());
            }
            let Some(changed) = self.store.get(&webhook::row(webhook.vault, webhook.id)).await? else { return Ok(()) };
            webhook = changed;
        }
        Err(Error::unavailable("A webhook changes all the time"))
    }

    async fn try_to_note(&self, webhook: &Webhook, outcomes: &[Outcome]) -> Result<bool, Error> {
        let now = self.clock.now();
        let mut failures = webhook.consecutive_failures;
        let (mut delivered, mut failed) = (false, None);
        for outcome in outcomes {
            match outcome {
                Outcome::Delivered { counts } => {
                    delivered = true;
                    if *counts {
                        failures = 0;
                    }
                }
                Outcome::FailedForGood { error } => {
                    failures += 1;
                    failed = Some(error.clone());
                }
                Outcome::Nothing | Outcome::Failed => {}
            }
        }
        let is_news = webhook.last_delivered_at.is_none_or(|at| at.plus_seconds(NOTED_SECONDS) <= now);
        if failed.is_none() && failures == webhook.consecutive_failures && !(delivered && is_news) {
            return Ok(true);
        }
        let mut change = webhook::row(webhook.vault, webhook.id).change().set(webhook::FAILURES, &failures);
        if delivered {
            change = change.set(webhook::LAST_DELIVERED_AT, &Some(now));
        }
        if failed.is_some() {
            change = change.set(webhook::LAST_FAILED_AT, &Some(now)).set(webhook::LAST_ERROR, &failed);
        }
        let switches_off = webhook.enabled && failures >= Webhook::FAILURES;
        if switches_off {
            change = change.set(webhook::ENABLED, &false).set(webhook::DISABLED_AT, &Some(now));
        }
        let change = change.only_if(webhook::FAILURES.is(&webhook.consecutive_failures));
        let mut write = self.store.transaction();
        let noted = write.change(change.only_if(webhook::ENABLED.is(&webhook.enabled)));
        if switches_off {
            let origin = self.origins.in_vault(webhook.vault, ActorKind::System, None, now).await?;
            let detail = format!("Webhook {} switched off: {failures} deliveries in a row failed", webhook.id);
            write.record(&origin.entry(Action::WebhookDisable, detail));
        }
        Ok(write.commit_unless_refused(noted).await?)
    }
}
