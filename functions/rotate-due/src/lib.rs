//! Rotates secrets whose schedule says so, or that were read as often as their policy says.
//!
//! Runs every minute. A rotation, what its schedule says afterwards, and the end of what was due are one transaction of
//! `seal-secret`, so that one that was cut off anywhere happens once. A freeze does not stop it.

use edge::due::{record_of_system, work_off};
use edge::seal::{Rotate, Rotation, Seal};
use edge::{Base, Clock, Error, Origins};
use rules::Time;
use rules::audit::Action;
use rules::limits;
use rules::nouns::{Due, DueBy, Secret};
use rules::policies::Axis as _;
use store::{Put as _, Store, secret};

/// The function.
#[derive(Clone)]
pub struct RotateDue {
    store: Store,
    clock: Clock,
    seal: Seal,
    origins: Origins,
}

impl RotateDue {
    /// From the base.
    #[must_use]
    pub fn new(base: &Base, seal: Seal) -> Self {
        Self { store: base.store.clone(), clock: base.clock.clone(), seal, origins: Origins::new(base) }
    }

    /// Rotates everything that is due; says how many rotations that were.
    pub async fn run(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        let due = self.store.due(now).await?;
        work_off(due, |due| {
            let this = self.clone();
            async move { this.rotate(due, now).await }
        })
        .await
    }

    async fn rotate(&self, due: Due, now: Time) -> Result<(), Error> {
        let secret = self.store.get(&secret::row(due.secret)).await?;
        // One in the trash is not rotated; when it is restored, what its schedule asks for is due again.
        let secret = secret.filter(|secret| secret.deleted_at.is_none());
        let asked = match &secret {
            Some(secret) => self.asked(secret, &due).await?,
            None => None,
        };
        let record = match (&secret, &asked) {
            (Some(secret), Some((_, why))) => {
                let detail = format!("Secret {} rotated {why}", secret.name);
                record_of_system(&self.origins, secret.vault, Action::SecretRotate, detail, now).await?
            }
            _ => None,
        };
        let (Some(secret), Some((how, _)), Some(record)) = (secret, asked, record) else {
            // Nothing asks for it any more.
            let mut write = self.store.transaction();
            write.delete(&due.key());
            return Ok(write.commit().await?);
        };
        let record = record.secret(secret.id).project(secret.project);
        let ask = Rotate { vault: secret.vault, secret: secret.id, how, record, due: Some(due) };
        self.seal.ask(ask).await.map(drop)
    }

    /// How the secret is to be rotated and why, if that still holds.
    async fn asked(&self, secret: &Secret, due: &Due) -> Result<Option<(Rotation, String)>, Error> {
        match due.by {
            DueBy::Schedule => {
                let schedule = secret.schedule.as_ref().filter(|schedule| schedule.due_at() == Some(due.at));
                Ok(schedule.map(|schedule| {
                    let how = Rotation { generator: schedule.generator, fields: schedule.fields.clone() };
                    (how, "by its schedule".to_owned())
                }))
            }
            DueBy::Reads => {
                let Some((policy, reads)) = self.store.policy_of(secret).await? else { return Ok(None) };
                // It has another version since, and what is counted is of that.
                if reads.of_version != secret.version || !policy.axes.rotate_after.is_on() {
                    return Ok(None);
                }
                // As its schedule would, if it has one.
                let schedule = secret.schedule.as_ref();
                let generator = schedule.map_or(limits::generator(None, None)?, |schedule| schedule.generator);
                let how = Rotation { generator, fields: schedule.and_then(|schedule| schedule.fields.clone()) };
                Ok(Some((how, format!("after the number of reads of policy {}", policy.name))))
            }
        }
    }
}
