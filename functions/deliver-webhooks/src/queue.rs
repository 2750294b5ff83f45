//! Working on the queue of one webhook.

use crypto::KeyPair;
use edge::Error;
use futures_util::{StreamExt as _, stream};
use rules::Time;
use rules::nouns::{Delivery, DeliveryStatus, Queue, Waiting, Webhook};
use rules::webhooks::SigningSecret;
use store::webhook::{self, of_delivery, of_queue};
use store::{KeyError, Put as _};
use tokio::time::Instant;

use crate::DeliverWebhooks;
use crate::attempt::Outcome;

/// How long a queue is one run's own, in seconds, from when it last looked into it: longer than the attempts of one look
/// take. When a run was cut off, the queue waits for this long.
const LEASE_SECONDS: u64 = 90;
/// Deliveries that one look takes out of a queue.
const LOOK: usize = 16;
/// Attempts for one webhook at the same time.
const AT_ONCE: usize = 8;
/// How long a queue waits after something went wrong on our side, in seconds.
const AFTER_TROUBLE_SECONDS: u64 = 60;

/// What deliveries of a webhook are signed with.
pub(crate) struct Signing {
    pub(crate) deployment: KeyPair,
    /// The newest first. None of a webhook whose secrets do not open.
    pub(crate) secrets: Vec<SigningSecret>,
}

impl DeliverWebhooks {
    /// Works on a queue until nothing in it is due, or the time is over; says how many attempts it made.
    pub(crate) async fn work_on(&self, queue: Queue, end: Instant) -> Result<usize, Error> {
        let Some(mut queue) = self.take(queue).await? else { return Ok(0) };
        let mut attempts = 0;
        loop {
            match self.look_into(&queue).await {
                Ok(Look::Attempts(made)) => attempts += made,
                Ok(Look::NothingDue(next)) => {
                    let Some(changed) = self.leave(&queue, next).await? else { return Ok(attempts) };
                    queue = changed;
                }
                Err(error) => {
                    self.put_off(&queue, self.clock.now().plus_seconds(AFTER_TROUBLE_SECONDS)).await?;
                    return Err(error);
                }
            }
            if Instant::now() >= end {
                self.put_off(&queue, self.clock.now()).await?;
                return Ok(attempts);
            }
            let Some(ours) = self.take(queue).await? else { return Ok(attempts) };
            queue = ours;
        }
    }

    /// Makes a queue this run's own for a while; nothing when it is another's.
    async fn take(&self, mut queue: Queue) -> Result<Option<Queue>, Error> {
        let until = Some(self.clock.now().plus_seconds(LEASE_SECONDS));
        let change = webhook::queue(queue.webhook).change().set(of_queue::WORKED_ON_UNTIL, &until);
        let ours = self.store.change_if(change.only_if(of_queue::WORKED_ON_UNTIL.is(&queue.worked_on_until))).await?;
        queue.worked_on_until = until;
        Ok(Some(queue).filter(|_| ours))
    }

    /// Leaves a queue in which nothing is due until `next`, or nothing at all. The queue as it is now, if something was added to
    /// it meanwhile.
    async fn leave(&self, queue: &Queue, next: Option<Time>) -> Result<Option<Queue>, Error> {
        let key = webhook::queue(queue.webhook);
        let is_left = if let Some(next) = next {
            let change = key.change().set(of_queue::DUE_AT, &next).remove(of_queue::WORKED_ON_UNTIL);
            self.store.change_if(change.only_if(of_queue::MARK.is(&queue.mark))).await?
        } else {
            let mut write = self.store.transaction();
            let unchanged = write.delete_if(&key, [of_queue::MARK.is(&queue.mark)]);
            write.commit_unless_refused(unchanged).await?
        };
        if is_left { Ok(None) } else { Ok(self.store.get(&key).await?) }
    }

    /// Leaves a queue in which something is due for somebody else.
    async fn put_off(&self, queue: &Queue, until: Time) -> Result<(), Error> {
        let change = webhook::queue(queue.webhook).change();
        let change = change.set(of_queue::DUE_AT, &until).remove(of_queue::WORKED_ON_UNTIL);
        self.store.change_if(change.only_if(of_queue::WORKED_ON_UNTIL.is(&queue.worked_on_until))).await?;
        Ok(())
    }

    /// Makes the attempts that are due, some of them.
    async fn look_into(&self, queue: &Queue) -> Result<Look, Error> {
        let now = self.clock.now();
        let part = self.store.part(&webhook::waiting(queue.webhook), None, LOOK, false).await?;
        let next = part.rows.first().map(|(_, waiting)| waiting.due_at);
        let due = part.rows.into_iter().map(|(_, waiting)| waiting).take_while(|waiting| waiting.due_at <= now);
        let due: Vec<Waiting> = due.collect();
        if due.is_empty() {
            return Ok(Look::NothingDue(next));
        }
        let keys: Vec<_> = due.iter().map(|it| webhook::delivery(it.webhook, it.created_at, it.delivery)).collect();
        let row = webhook::row(queue.vault, queue.webhook);
        let (webhook, deliveries) = tokio::try_join!(self.store.get(&row), self.store.get_all(&keys))?;
        let Some(webhook) = webhook else {
            self.store.delete_all(&due).await?;
            return Ok(Look::Attempts(0));
        };
        let signing = self.signing(&webhook).await?;
        let work = due.into_iter().map(|waiting| {
            let delivery = deliveries.iter().find(|delivery| delivery.id == waiting.delivery).cloned();
            self.work_off(&webhook, &signing, waiting, delivery)
        });
        let outcomes: Vec<_> = stream::iter(work).buffer_unordered(AT_ONCE).collect().await;
        // What was noted counts, also when another note failed.
        let outcomes: (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        let noted: Vec<Outcome> = outcomes.0.into_iter().filter_map(Result::ok).collect();
        self.note_standing(webhook, &noted).await?;
        match outcomes.1.into_iter().find_map(Result::err) {
            Some(error) => Err(error),
            None => Ok(Look::Attempts(noted.iter().filter(|outcome| !matches!(outcome, Outcome::Nothing)).count())),
        }
    }

    async fn signing(&self, webhook: &Webhook) -> Result<Signing, Error> {
        let now = self.clock.now();
        let deployment = self.deployment_key().await?;
        let wrapped = self.store.get(&webhook::key(webhook.vault)).await?;
        let key = match &wrapped {
            Some(wrapped) => match self.keys.webhook_key(wrapped, now).await {
                Ok(key) => Some(key),
                Err(KeyError::Damaged) => None,
                Err(error) => return Err(error.into()),
            },
            None => None,
        };
        let opened = |key: &crypto::WebhookKey| -> Result<Vec<_>, _> {
            webhook.secrets(now).map(|sealed| Ok(SigningSecret::opened(key.open(&webhook.id, sealed)?))).collect()
        };
        let secrets = key.map(|key| opened(&key)).and_then(Result::<_, crypto::OpenError>::ok).unwrap_or_default();
        Ok(Signing { deployment, secrets })
    }

    /// Makes one attempt and notes it, or takes out of the queue what nobody waits for any more.
    async fn work_off(
        &self,
        webhook: &Webhook,
        signing: &Signing,
        waiting: Waiting,
        delivery: Option<Delivery>,
    ) -> Result<Outcome, Error> {
        let Some(delivery) = delivery.filter(|it| waiting.once || it.status == DeliveryStatus::Pending) else {
            self.store.delete_all(std::slice::from_ref(&waiting)).await?;
            return Ok(Outcome::Nothing);
        };
        if !webhook.enabled && !waiting.once {
            let mut write = self.store.transaction();
            let change = webhook::delivery(delivery.webhook, delivery.created_at, delivery.id).change();
            let change = change.set(of_delivery::STATUS, &DeliveryStatus::Failed).remove(of_delivery::NEXT_ATTEMPT_AT);
            write.change(change.set(of_delivery::ERROR, &Some("the webhook is switched off".to_owned())));
            write.delete(&waiting.key());
            write.commit().await?;
            return Ok(Outcome::Nothing);
        }
        self.attempt(webhook, signing, &waiting, &delivery).await
    }
}

/// What a look into a queue brought.
enum Look {
    /// So many attempts were made; there may be more to make.
    Attempts(usize),
    /// Nothing is due before then.
    NothingDue(Option<Time>),
}
