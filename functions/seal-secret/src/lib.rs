//! The only writer of values. Takes plaintext in, gives metadata out; no operation returns a value.
//!
//! Invoked directly, never over HTTP. Each operation is one transaction: the metadata's new version, the sealed value
//! in the rows of its version and of the current one, and the audit record, or nothing. Concurrent writers each get a
//! version of their own.

use async_trait::async_trait;
use crypto::envelope::OVERHEAD_BYTES;
use crypto::{KeyPair, Plaintext, PublicKey, Sealed, ValuePlace};
use edge::seal::Seal;
use edge::{Clock, Error, Services};
use protocol::{BundleId, SecretId, VaultId};
use store::values::{CurrentValue, StoredValue};
use store::{CommitError, Keys, Store, Update, Values, vaults};
use vault::audit::Record;
use vault::limits::{VALUE_BYTES, VERSIONS_KEPT};
use vault::model::{Bundle, Project, Secret};

/// How often a new version is tried again when another writer was faster.
const TRIES: usize = 32;

/// The function.
pub struct SealSecret {
    store: Store,
    values: Values,
    keys: Keys,
    clock: Clock,
}

impl SealSecret {
    /// From the services.
    #[must_use]
    pub fn new(services: &Services) -> Self {
        Self {
            store: services.store.clone(),
            values: services.values.clone(),
            keys: services.keys.clone(),
            clock: services.clock.clone(),
        }
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

    async fn project(&self, vault: VaultId, secret: &Secret) -> Result<Project, Error> {
        edge::own::project(&self.store, vault, secret.project).await
    }
}

#[async_trait]
impl Seal for SealSecret {
    async fn create(&self, secret: Secret, value: Plaintext, record: Record) -> Result<(), Error> {
        let project = self.project(secret.vault, &secret).await?;
        let stored = self.seal(&project, &secret, secret.version, &value).await?;
        let mut write = self.store.transaction();
        let in_project = write.require(&vaults::project(project.id));
        write.put_new(&secret);
        write.put_new(&stored);
        write.put_new(&CurrentValue(stored));
        write.record(&record);
        let written = write.commit_unless_refused(in_project).await?;
        written.then_some(()).ok_or_else(|| Error::not_found("Project"))
    }

    async fn replace(&self, vault: VaultId, id: SecretId, value: Plaintext, record: Record) -> Result<u64, Error> {
        for _ in 0..TRIES {
            let secret = self.store.get(&vaults::secret(id)).await?;
            let secret = secret
                .filter(|secret| secret.vault == vault && secret.deleted_at.is_none())
                .ok_or_else(|| Error::not_found("Secret"))?;
            let project = self.project(vault, &secret).await?;
            let version = secret.version + 1;
            let stored = self.seal(&project, &secret, version, &value).await?;
            let mut write = self.store.transaction();
            write.update(
                Update::existing(&vaults::secret(id))
                    .set("version", &version)?
                    .set("updatedAt", &stored.created_at)?
                    .when_equals("version", &secret.version)?
                    .when_absent("deletedAt"),
            );
            write.put_new(&stored);
            write.put(&CurrentValue(stored));
            if version > VERSIONS_KEPT {
                write.delete(&self.values.version(id, version - VERSIONS_KEPT));
            }
            write.record(&record);
            match write.commit().await {
                Ok(()) => return Ok(version),
                // Somebody else made this version; take the next one.
                Err(CommitError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::conflict("This secret is being changed by others, try again"))
    }

    async fn make_identity(&self, vault: VaultId, bundle: BundleId) -> Result<(PublicKey, Sealed), Error> {
        let vault = self.store.get(&vaults::vault(vault)).await?.ok_or_else(|| Error::not_found("Vault"))?;
        let vault_key = self.keys.vault_key(&vault, self.clock.now()).await?;
        let pair = KeyPair::make();
        Ok((pair.public(), vault_key.seal(Bundle::PURPOSE, &bundle, &pair.to_pem())))
    }
}
