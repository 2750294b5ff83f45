//! Ends what has expired: ephemeral machines lose what they may read and are removed seven days later, bundles nobody
//! fetched are destroyed with their machine and share links nobody opened with their value, secrets that were in the trash
//! for 30 days are purged and so are those whose policy ends them; has mails that were held back sent; and removes what is left
//! of deleted projects.
//!
//! Runs every minute. Nothing relies on it for safety: an expired machine or link is refused at once by the gate or
//! the route. What it does can be cut off anywhere and taken up by the next run.

mod bound;
mod remains;
mod share;

use std::sync::Arc;
use std::time::Duration;

use crypto::TokenHash;
use edge::due::{record_of_system, work_off};
use edge::seal::{Destroy, Seal};
use edge::{Base, Clock, Error, MailQueue, MailRequest, Origins};
use protocol::{MachineId, ProjectId, SecretId, VaultId};
use rules::Time;
use rules::audit::{Action, Record};
use rules::nouns::{Expiring, Expiry, Machine, Secret, TRASH_SECONDS};
use store::{CommitError, Put as _, Store, StoreError, bundle, machine, secret};

/// How long an expired machine is kept, in seconds (7 days).
const KEPT_SECONDS: u64 = 7 * 86_400;
/// How long one run works on what is left of a project. The function has 55 seconds.
const A_PROJECT: Duration = Duration::from_secs(40);

/// The function.
#[derive(Clone)]
pub struct Sweep {
    store: Store,
    clock: Clock,
    seal: Seal,
    mail: Arc<dyn MailQueue>,
    origins: Origins,
}

impl Sweep {
    /// From the base, and the ways to who writes values and who sends mail.
    #[must_use]
    pub fn new(base: &Base, seal: Seal, mail: Arc<dyn MailQueue>) -> Self {
        Self { store: base.store.clone(), clock: base.clock.clone(), seal, mail, origins: Origins::new(base) }
    }

    /// Ends everything that is due; says how many things that were.
    pub async fn run(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        let expired = self.store.expired(now).await?;
        work_off(expired, |expiry| {
            let this = self.clone();
            async move { this.end(&expiry, now).await }
        })
        .await
    }

    async fn end(&self, expiry: &Expiry, now: Time) -> Result<(), Error> {
        match &expiry.of {
            Expiring::Machine(id) => self.end_machine(*id, now).await?,
            Expiring::Bundle(hash) => self.end_bundle(hash, now).await?,
            Expiring::Secret(project, id) => self.end_secret(*project, *id, now).await?,
            Expiring::Ttl(project, id) => bound::end(self, *project, *id, now).await?,
            Expiring::Share(hash) => share::expire(self, hash, now).await?,
            Expiring::ShareAttempt(hash) => share::record_attempt(self, hash, expiry, now).await?,
            Expiring::Alert(vault, action) => {
                self.mail.push_if_sent(MailRequest::HeldAlerts { vault: *vault, action: *action }).await?;
            }
            Expiring::Project(vault, id) => {
                let removal = remains::remove_project(&self.store, &self.seal, *vault, *id);
                match tokio::time::timeout(A_PROJECT, removal).await {
                    Ok(removed) => removed?,
                    // A large one: the next run goes on with it.
                    Err(_) => return Ok(()),
                }
            }
        }
        Ok(self.forget(expiry).await?)
    }

    async fn end_secret(&self, project: ProjectId, id: SecretId, now: Time) -> Result<(), Error> {
        let Some(secret) = self.store.get(&secret::row(id)).await? else {
            // A purge was cut off before what hangs on it had gone.
            return Ok(self.store.drop_grants_of(project, Some(id)).await?);
        };
        if secret.deleted_at.is_none_or(|at| at.plus_seconds(TRASH_SECONDS) > now) {
            // It was restored, and perhaps deleted again since.
            return Ok(());
        }
        self.purge(&secret, "after 30 days in the trash", now).await
    }

    /// Removes a secret with all that hangs on it; `why` ends the sentence of its record.
    async fn purge(&self, secret: &Secret, why: &str, now: Time) -> Result<(), Error> {
        let detail = format!("Secret {} purged {why}", secret.name);
        let record = self.record_for(secret.vault, Action::SecretPurge, detail, now).await?;
        let record = record.map(|record| record.secret(secret.id).project(secret.project));
        self.seal.ask(Destroy { vault: secret.vault, secret: secret.id, record }).await?;
        Ok(self.store.drop_grants_of(secret.project, Some(secret.id)).await?)
    }

    async fn forget(&self, expiry: &Expiry) -> Result<(), CommitError> {
        let mut write = self.store.transaction();
        write.delete(&expiry.key());
        write.commit().await
    }

    async fn end_machine(&self, id: MachineId, now: Time) -> Result<(), CommitError> {
        let Some(machine) = self.store.get(&machine::row(id)).await? else { return Ok(()) };
        let Some(expired_at) = machine.expires_at.filter(|at| *at <= now) else { return Ok(()) };
        let removed_at = expired_at.plus_seconds(KEPT_SECONDS);
        if removed_at <= now {
            let removed = "removed, seven days after it expired";
            let Some(record) = self.entry(&machine, Action::MachineRemove, removed, now).await? else { return Ok(()) };
            return match self.store.remove_machine(&machine, &record).await {
                // Removed by somebody else meanwhile.
                Err(CommitError::Refused(_)) => Ok(()),
                other => other,
            };
        }
        let Some(record) = self.entry(&machine, Action::MachineExpire, "expired", now).await? else { return Ok(()) };
        if !machine.ended {
            let mut write = self.store.transaction();
            let disabled = machine::row(id).change().set(machine::ENABLED, &false);
            let disabled = machine::end(&mut write, &machine, disabled);
            let ended = write.change(disabled);
            write.record(&record);
            // Refused means that somebody removes it.
            write.commit_unless_refused(ended).await?;
        }
        self.store.drop_grants(id, None).await?;
        self.store.delete_all(&self.store.memberships(id).await?).await?;
        let mut write = self.store.transaction();
        write.put(&Expiry { at: removed_at, of: Expiring::Machine(id) });
        write.commit().await
    }

    async fn end_bundle(&self, hash: &TokenHash, now: Time) -> Result<(), CommitError> {
        let Some(bundle) = self.store.get(&bundle::row(hash)).await? else { return Ok(()) };
        let machine = self.store.get(&machine::row(bundle.machine)).await?;
        if let Some(machine) = machine
            && let Some(record) =
                self.entry(&machine, Action::BundleExpire, "removed, its bundle was never fetched", now).await?
        {
            match self.store.remove_machine(&machine, &record).await {
                // Removed by somebody else meanwhile.
                Err(CommitError::Refused(_)) => {}
                other => other?,
            }
        }
        // Last, so that the next run continues a run that was cut off. The link itself does not work since it expired.
        let mut write = self.store.transaction();
        write.delete(&bundle::row(hash));
        write.commit().await
    }

    async fn entry(
        &self,
        machine: &Machine,
        action: Action,
        what: &str,
        now: Time,
    ) -> Result<Option<Record>, CommitError> {
        let detail = format!("Machine {} {what}", machine.name);
        Ok(self.record_for(machine.vault, action, detail, now).await?.map(|record| record.machine(machine.id)))
    }

    async fn record_for(
        &self,
        vault: VaultId,
        action: Action,
        detail: String,
        now: Time,
    ) -> Result<Option<Record>, StoreError> {
        record_of_system(&self.origins, vault, action, detail, now).await
    }
}
