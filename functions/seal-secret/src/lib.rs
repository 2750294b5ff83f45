//! The only writer of values. Takes plaintext in, gives metadata out; no operation returns a value.
//!
//! Invoked directly, never over HTTP. Each operation is one transaction: the metadata's new version, the sealed value
//! in the rows of its version and of the current one, and the audit record, or nothing. Concurrent writers each get a
//! version of their own. Rotating and rolling back open a value here, to seal it again; it never leaves.

mod share;
mod webhook;

use async_trait::async_trait;
use crypto::envelope::OVERHEAD_BYTES;
use crypto::{KeyPair, MasterKey, Plaintext, ValuePlace};
use edge::seal::{
    Create, Destroy, Destroyed, Identity, MakeIdentity, NewVersion, Operation, Perform, Replace, RollBack, Rotate,
    Rotation, SealSigningSecret, Share, answer,
};
use edge::{Base, Clock, Code, Error};
use protocol::{ProjectId, SecretId, VaultId};
use rules::audit::Record;
use rules::limits::VALUE_BYTES;
use rules::nouns::{Bundle, Due, DueBy, Project, Schedule, Secret, SecretVersion, VERSIONS_KEPT};
use rules::plan::Counted;
use rules::structured::Fields;
use serde_json::Value;
use store::value::{CurrentValue, StoredValue};
use store::{CommitError, KeyRing, Put as _, Store, Values, policy, project, schedule, secret, usage, vault};

/// How many versions one transaction deletes, each with its value and its date. A transaction holds 100 rows: the values of
/// fifty versions, and up to ten of what else hangs on a secret.
const VERSIONS_TOGETHER: usize = 40;
/// How often a new version is tried again when another writer was faster.
const TRIES: usize = 32;

/// The function.
pub struct SealSecret {
    store: Store,
    values: Values,
    keys: KeyRing,
    clock: Clock,
}

impl SealSecret {
    /// From the base.
    #[must_use]
    pub fn new(base: &Base, values: Values, keys: KeyRing) -> Self {
        Self { store: base.store.clone(), values, keys, clock: base.clock.clone() }
    }

    async fn seal(
        &self,
        project: &Project,
        secret: &Secret,
        version: u64,
        value: &Plaintext,
    ) -> Result<StoredValue, Error> {
        if value.is_empty() || value.len() > VALUE_BYTES {
            return Err(Error::internal("a value that is out of bounds came this far"));
        }
        let now = self.clock.now();
        let master_key = self.keys.master_key(project, now).await?;
        let place = ValuePlace { project: project.id, secret: secret.id, version };
        let sealed = master_key.seal(&place, value);
        debug_assert_eq!(sealed.value.as_bytes().len(), value.len() + OVERHEAD_BYTES);
        Ok(StoredValue { secret: secret.id, project: project.id, version, sealed, created_at: now })
    }

    async fn project(&self, vault: VaultId, id: ProjectId) -> Result<Project, Error> {
        let found = self.store.get(&project::row(id)).await?;
        found.filter(|project| project.vault == vault).ok_or_else(|| Error::not_found("Project"))
    }

    /// Writes a new version of a secret with this content.
    async fn new_version(
        &self,
        vault: VaultId,
        id: SecretId,
        content: &Content,
        record: &Record,
        due: Option<&Due>,
    ) -> Result<NewVersion, Error> {
        for _ in 0..TRIES {
            let secret = self.store.get(&secret::row(id)).await?;
            let secret = secret
                .filter(|secret| secret.vault == vault && secret.deleted_at.is_none())
                .ok_or_else(|| Error::not_found("Secret"))?;
            let by_schedule = due.filter(|due| due.by == DueBy::Schedule);
            let asks = |due: &Due| secret.schedule.as_ref().and_then(Schedule::due_at) == Some(due.at);
            if by_schedule.is_some_and(|due| !asks(due)) {
                // It was done, or its schedule changed.
                return Ok(NewVersion { version: secret.version });
            }
            let project = self.project(vault, secret.project).await?;
            let master_key = self.keys.master_key(&project, self.clock.now()).await?;
            let version = secret.version + 1;
            let made = match content {
                Content::Given(_) => None,
                Content::Generated(how) => Some(self.generate(&secret, &master_key, how).await?),
                Content::OfVersion(to) => Some(self.old_value(&secret, &master_key, *to).await?),
            };
            let ((Content::Given(value), _) | (_, Some(value))) = (content, &made) else {
                return Err(Error::internal("a new version without content"));
            };
            let stored = self.seal(&project, &secret, version, value).await?;
            let mut write = self.store.transaction();
            let mut change = secret::row(id)
                .change()
                .set(secret::VERSION, &version)
                .set(secret::UPDATED_AT, &stored.created_at)
                .only_if(secret::VERSION.is(&secret.version))
                .only_if(secret::DELETED_AT.absent());
            if by_schedule.is_some() {
                let rotated = secret.schedule.as_ref().map(|schedule| schedule.rotated(stored.created_at));
                change = change.set(secret::SCHEDULE, &rotated).only_if(secret::SCHEDULE.is(&secret.schedule));
                if let Some(next) = schedule::due(&Secret { schedule: rotated, ..secret.clone() }) {
                    write.put(&next);
                }
            }
            write.change(change);
            if let Some(due) = due {
                write.delete(&due.key());
            }
            write.put_new(&version_of(&stored));
            write.put_new(&stored);
            write.put(&CurrentValue(stored));
            if version > VERSIONS_KEPT {
                write.delete(&secret::version(id, version - VERSIONS_KEPT));
                write.delete(&self.values.version(id, version - VERSIONS_KEPT));
            }
            write.record(record);
            match write.commit().await {
                Ok(()) => return Ok(NewVersion { version }),
                // Somebody else made this version; take the next one.
                Err(CommitError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(changed_by_others())
    }

    /// A generated value; of a structured secret with the fields that stay.
    async fn generate(&self, secret: &Secret, master_key: &MasterKey, how: &Rotation) -> Result<Plaintext, Error> {
        if secret.field_names.is_none() {
            return Ok(how.generator.make());
        }
        let current = self.store.get(&self.values.current(secret.id)).await?;
        let CurrentValue(current) = current.ok_or_else(|| Error::internal("a secret without a value"))?;
        if current.version < secret.version {
            return Err(Error::internal("an older version in the place of the current one"));
        }
        // A newer one was written meanwhile; then what is made here is not written.
        let value = open(master_key, secret, current.version, &current)?;
        let mut fields = Fields::parse(&value).map_err(|_| Error::internal("a stored structured value"))?;
        let chosen = |name: &str| how.fields.as_ref().is_none_or(|names| names.iter().any(|field| field == name));
        fields.generate(|| how.generator.make(), |name, _| chosen(name));
        let made = fields.to_value();
        if made.len() > VALUE_BYTES {
            return Err(Error::invalid("length", format!("makes the value larger than {VALUE_BYTES} bytes")));
        }
        Ok(made)
    }

    /// The value of a version that is kept.
    async fn old_value(&self, secret: &Secret, master_key: &MasterKey, of: u64) -> Result<Plaintext, Error> {
        let kept = secret.kept_versions().contains(&of);
        let old = if kept { self.store.get(&self.values.version(secret.id, of)).await? } else { None };
        open(master_key, secret, of, &old.ok_or_else(|| Error::not_found("Version"))?)
    }
}

fn changed_by_others() -> Error {
    Error::new(Code::ChangedMeanwhile, "This secret is being changed by others, try again")
}

/// Opens a stored value where it should live: as this version of this secret, whatever its row says.
fn open(master_key: &MasterKey, secret: &Secret, version: u64, stored: &StoredValue) -> Result<Plaintext, Error> {
    let place = ValuePlace { project: secret.project, secret: secret.id, version };
    Ok(master_key.open(&place, &stored.sealed)?)
}

/// What others may know of a version.
fn version_of(stored: &StoredValue) -> SecretVersion {
    SecretVersion { secret: stored.secret, version: stored.version, created_at: stored.created_at }
}

/// What a new version is to hold.
enum Content {
    Given(Plaintext),
    Generated(Rotation),
    OfVersion(u64),
}

#[async_trait]
impl Perform for SealSecret {
    async fn perform(&self, operation: Operation) -> Result<Value, Error> {
        match operation {
            Operation::Create(ask) => answer::<Create>(&self.create(*ask).await?),
            Operation::Replace(ask) => {
                let content = Content::Given(ask.value);
                answer::<Replace>(&self.new_version(ask.vault, ask.secret, &content, &ask.record, None).await?)
            }
            Operation::Rotate(ask) => {
                let (content, due) = (Content::Generated(ask.how), ask.due.as_ref());
                answer::<Rotate>(&self.new_version(ask.vault, ask.secret, &content, &ask.record, due).await?)
            }
            Operation::RollBack(ask) => {
                let content = Content::OfVersion(ask.to);
                answer::<RollBack>(&self.new_version(ask.vault, ask.secret, &content, &ask.record, None).await?)
            }
            Operation::Share(ask) => answer::<Share>(&self.share(*ask).await?),
            Operation::SealSigningSecret(ask) => answer::<SealSigningSecret>(&self.seal_signing_secret(*ask).await?),
            Operation::Destroy(ask) => answer::<Destroy>(&self.destroy(*ask).await?),
            Operation::MakeIdentity(ask) => answer::<MakeIdentity>(&self.make_identity(*ask).await?),
        }
    }
}

impl SealSecret {
    async fn create(&self, ask: Create) -> Result<NewVersion, Error> {
        let Create { secret, value, record, scheduled, room } = ask;
        let project = self.project(secret.vault, secret.project).await?;
        let stored = self.seal(&project, &secret, secret.version, &value).await?;
        let mut write = self.store.transaction();
        let in_project = write.require(&project::row(project.id));
        let named = write.put_new(&secret.unique_name());
        let has_room = room.take(&mut write, secret.created_at);
        write.put_new(&secret);
        write.put_new(&version_of(&stored));
        write.put_new(&stored);
        write.put_new(&CurrentValue(stored));
        schedule::begin(&mut write, &secret);
        write.record(&record);
        if let Some(scheduled) = &scheduled {
            write.record(scheduled);
        }
        match write.commit().await {
            Ok(()) => Ok(NewVersion { version: secret.version }),
            Err(CommitError::Refused(step)) if step == in_project => Err(Error::not_found("Project")),
            Err(CommitError::Refused(step)) if step == has_room => Err(room.full()),
            Err(CommitError::Refused(step)) if step == named => {
                Err(Error::new(Code::NameTaken, "A secret of this project has this name already, choose another"))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn destroy(&self, ask: Destroy) -> Result<Destroyed, Error> {
        let Destroy { vault, secret: id, record } = ask;
        for _ in 0..TRIES {
            let found = self.store.get(&secret::row(id)).await?;
            let Some(secret) = found else { return Ok(Destroyed { was_there: false }) };
            if secret.vault != vault {
                return Err(Error::not_found("Secret"));
            }
            let bound = self.store.policy_of(&secret).await?;
            let has_ended =
                bound.as_ref().is_some_and(|(policy, reads)| policy.axes.ttl.is_reached(reads, self.clock.now()));
            let is_kept = secret.deleted_at.is_none() && !has_ended;
            if is_kept && self.store.get(&project::row(secret.project)).await?.is_some() {
                return Err(Error::new(Code::NotInTrash, "The secret is not in the trash; delete it first"));
            }
            // A transaction holds 100 rows, too few for fifty versions. So the rows that only say when the oldest versions
            // were made go first. A secret that is restored at this moment loses those dates and nothing else.
            let many = secret.kept_versions().take(secret.kept_versions().count().saturating_sub(VERSIONS_TOGETHER));
            let mut first = self.store.transaction();
            for version in many.clone() {
                first.delete(&secret::version(id, version));
            }
            if many.count() > 0 {
                first.commit().await?;
            }
            let mut write = self.store.transaction();
            // Only if the secret is as it was read. A secret that was restored meanwhile stays, and a newer version is not
            // left behind.
            let as_it_was = [secret::VERSION.is(&secret.version), secret::DELETED_AT.is(&secret.deleted_at)];
            write.delete_if(&secret::row(id), as_it_was);
            if secret.deleted_at.is_none() {
                write.delete(&secret.unique_name().key());
                usage::free(&mut write, vault, Counted::Secrets);
            }
            schedule::end(&mut write, &secret);
            if let Some(policy) = secret.policy {
                policy::unbind(&mut write, policy, id, bound.is_some());
                write.delete(&policy::reads(id));
            }
            write.delete(&self.values.current(id));
            for version in secret.kept_versions() {
                write.delete(&self.values.version(id, version));
            }
            for version in secret.kept_versions().rev().take(VERSIONS_TOGETHER) {
                write.delete(&secret::version(id, version));
            }
            if let Some(record) = &record {
                write.record(record);
            }
            match write.commit().await {
                Ok(()) => return Ok(Destroyed { was_there: true }),
                Err(CommitError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(changed_by_others())
    }

    async fn make_identity(&self, ask: MakeIdentity) -> Result<Identity, Error> {
        let vault = self.store.get(&vault::row(ask.vault)).await?.ok_or_else(|| Error::not_found("Vault"))?;
        let vault_key = self.keys.vault_key(&vault, self.clock.now()).await?;
        let pair = KeyPair::make();
        let private_key = vault_key.seal(Bundle::PURPOSE, &ask.bundle, &pair.to_pem());
        Ok(Identity { public_key: pair.public(), private_key })
    }
}
