//! The server key layer: what wraps the keys of projects and vaults.
//!
//! On AWS it is a KMS key, locally a 32-byte key from a file. Both bind the same context (purpose, vault, project). A
//! key is made without ever being seen ([`KeyLayer::make_wrapped`]), so a function that makes projects cannot open
//! them. [`KeyRing`] keeps unwrapped keys for at most five minutes.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use crypto::envelope::KeyContext;
use crypto::{KeyPair, MasterKey, Sealed, ServerKey, ShareKey, VaultKey, WebhookKey};
use lru::LruCache;
use rules::Time;
use rules::nouns::{Project, ShareLinkKey, Vault, WrappedWebhookKey};
use zeroize::Zeroizing;

use crate::rewrap::Rewrap;

/// An unwrapped key's bytes.
pub type KeyBytes = Zeroizing<[u8; 32]>;

/// The key layer did not unwrap.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It did not answer, or refused to for now: the server is sealed. The text is for the log.
    #[error("the key layer is unavailable: {0}")]
    Unavailable(String),
    /// The wrapped key was changed, moved, or wrapped by another key.
    #[error("a wrapped key does not open")]
    Damaged,
}

/// Wraps and unwraps keys of projects and vaults.
#[async_trait]
pub trait KeyLayer: Send + Sync {
    /// Makes a key for this context and gives it wrapped only.
    async fn make_wrapped(&self, context: &KeyContext) -> Result<Sealed, KeyError>;

    /// Unwraps a key that was made for this context.
    async fn unwrap(&self, context: &KeyContext, wrapped: &Sealed) -> Result<KeyBytes, KeyError>;
}

/// A server key in a file, for local mode.
pub struct LocalKeyLayer(ServerKey);

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Others may read it.
    #[error("the key file {0} is readable by others; run: chmod 600 {0}")]
    Open(String),
    /// It does not hold 32 bytes.
    #[error(
        "the key file {0} does not hold a 32-byte key; restore it from a backup (without it nothing can be decrypted)"
    )]
    Malformed(String),
    /// It could not be read or made.
    #[error("the key file {0}: {1}")]
    Io(String, std::io::Error),
}

impl LocalKeyLayer {
    /// A key that lasts as long as the process.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self(ServerKey::make())
    }

    /// Makes a key file that only its owner can read; one that is there is overwritten. The caller sees to it that only one
    /// process does this in a folder.
    pub fn make_file(path: &Path) -> Result<Self, KeyFileError> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;

        let io = |error| KeyFileError::Io(path.display().to_string(), error);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).map_err(io)?;
        let key = Zeroizing::new(crypto::random::bytes::<32>());
        file.write_all(&*key).and_then(|()| file.sync_all()).map_err(io)?;
        Self::from_file(path)
    }

    /// Reads a key file, which nobody but its owner may be able to read.
    pub fn from_file(path: &Path) -> Result<Self, KeyFileError> {
        use std::io::Read as _;
        use std::os::unix::fs::PermissionsExt as _;

        let name = || path.display().to_string();
        let io = |error| KeyFileError::Io(name(), error);
        let mut file = std::fs::File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(KeyFileError::Open(name()));
        }
        if metadata.len() != 32 {
            return Err(KeyFileError::Malformed(name()));
        }
        let mut key = Zeroizing::new([0; 32]);
        file.read_exact(&mut *key).map_err(io)?;
        Ok(Self(ServerKey::from_bytes(*key)))
    }
}

/// From one server key in a file to another.
pub struct LocalRewrap {
    /// The key that goes.
    pub old: LocalKeyLayer,
    /// The key that comes.
    pub new: LocalKeyLayer,
}

#[async_trait]
impl Rewrap for LocalRewrap {
    async fn rewrap(&self, context: &KeyContext, wrapped: &Sealed) -> Result<Option<Sealed>, KeyError> {
        if self.new.0.unwrap(context, wrapped).is_ok() {
            return Ok(None);
        }
        self.old.0.rewrap(context, wrapped, &self.new.0).map(Some).map_err(|_| KeyError::Damaged)
    }
}

#[async_trait]
impl KeyLayer for LocalKeyLayer {
    async fn make_wrapped(&self, context: &KeyContext) -> Result<Sealed, KeyError> {
        Ok(self.0.make_wrapped(context))
    }

    async fn unwrap(&self, context: &KeyContext, wrapped: &Sealed) -> Result<KeyBytes, KeyError> {
        self.0.unwrap(context, wrapped).map_err(|_| KeyError::Damaged)
    }
}

/// Most unwrapped keys that are kept at once.
const MOST_KEPT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

/// Makes keys of projects and vaults, wrapped; cannot unwrap any.
#[derive(Clone)]
pub struct KeyMaker(Arc<dyn KeyLayer>);

impl KeyMaker {
    /// Makes a key for this context and gives it wrapped only.
    pub async fn make_wrapped(&self, context: &KeyContext) -> Result<Sealed, KeyError> {
        self.0.make_wrapped(context).await
    }
}

/// Unwrapped keys and since when they have been kept, under their context and their wrapped bytes.
type Kept = LruCache<(KeyContext, Sealed), (KeyBytes, Time)>;

/// The key layer with a memory. Unwrapped keys are kept for a limited time, bounded in number, and wiped when they
/// leave. A key is remembered under its context *and* its wrapped bytes, so a row that was changed is unwrapped anew.
#[derive(Clone)]
pub struct KeyRing {
    layer: Arc<dyn KeyLayer>,
    kept: Arc<Mutex<Kept>>,
    keep_seconds: u64,
}

impl KeyRing {
    /// Longest that an unwrapped key may be kept, in seconds.
    pub const LONGEST_SECONDS: u64 = 300;

    /// A key layer whose unwrapped keys are kept for this long, at most [`KeyRing::LONGEST_SECONDS`]; 0 keeps none.
    #[must_use]
    pub fn new(layer: Arc<dyn KeyLayer>, keep_seconds: u64) -> Self {
        let kept = Arc::new(Mutex::new(LruCache::new(MOST_KEPT)));
        Self { layer, kept, keep_seconds: keep_seconds.min(Self::LONGEST_SECONDS) }
    }

    /// The making of keys alone.
    #[must_use]
    pub fn maker(&self) -> KeyMaker {
        KeyMaker(self.layer.clone())
    }

    /// A project's master key.
    pub async fn master_key(&self, project: &Project, now: Time) -> Result<MasterKey, KeyError> {
        let context = KeyContext::Project(project.vault, project.id);
        Ok(MasterKey::from_bytes(*self.unwrap(context, &project.master_key, now).await?))
    }

    /// The key of a project's share links.
    pub async fn share_key(&self, of: &ShareLinkKey, now: Time) -> Result<ShareKey, KeyError> {
        let context = KeyContext::Share(of.vault, of.project);
        Ok(ShareKey::from_bytes(*self.unwrap(context, &of.key, now).await?))
    }

    /// The key of a vault's signing secrets.
    pub async fn webhook_key(&self, of: &WrappedWebhookKey, now: Time) -> Result<WebhookKey, KeyError> {
        Ok(WebhookKey::from_bytes(*self.unwrap(KeyContext::Webhook(of.vault), &of.key, now).await?))
    }

    /// The deployment's key pair, which signs what webhooks are sent.
    pub async fn signing_key(&self, wrapped: &Sealed, now: Time) -> Result<KeyPair, KeyError> {
        Ok(KeyPair::from_seed(&*self.unwrap(KeyContext::Signing, wrapped, now).await?))
    }

    /// A vault's own key.
    pub async fn vault_key(&self, vault: &Vault, now: Time) -> Result<VaultKey, KeyError> {
        Ok(VaultKey::from_bytes(*self.unwrap(KeyContext::Vault(vault.id), &vault.key, now).await?))
    }

    /// Wipes what has been kept long enough.
    pub fn forget_old(&self, now: Time) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // The least recently used is not always the oldest, so every entry is looked at; there are at most 256.
        let old: Vec<_> = kept
            .iter()
            .filter(|(_, (_, since))| since.plus_seconds(self.keep_seconds) <= now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in old {
            kept.pop(&key);
        }
    }

    async fn unwrap(&self, context: KeyContext, wrapped: &Sealed, now: Time) -> Result<KeyBytes, KeyError> {
        self.forget_old(now);
        let entry = (context, wrapped.clone());
        if let Some((key, _)) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&entry) {
            return Ok(key.clone());
        }
        let key = self.layer.unwrap(&context, wrapped).await?;
        if self.keep_seconds > 0 {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).put(entry, (key.clone(), now));
        }
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{ProjectId, VaultId};
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const NOW: Time = Time::from_ms(1_700_000_000_000);

    struct Counting(LocalKeyLayer, AtomicUsize);

    #[async_trait]
    impl KeyLayer for Counting {
        async fn make_wrapped(&self, context: &KeyContext) -> Result<Sealed, KeyError> {
            self.0.make_wrapped(context).await
        }
        async fn unwrap(&self, context: &KeyContext, wrapped: &Sealed) -> Result<KeyBytes, KeyError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.unwrap(context, wrapped).await
        }
    }

    async fn project(keys: &KeyRing, number: u8) -> Project {
        let (id, vault) = (ProjectId::from_entropy([number; 16]), VaultId::from_entropy([1; 16]));
        Project {
            id,
            vault,
            name: String::new(),
            description: None,
            master_key: keys.maker().make_wrapped(&KeyContext::Project(vault, id)).await.unwrap(),
            frozen: None,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    #[tokio::test]
    async fn a_key_is_unwrapped_once_in_five_minutes_and_again_afterwards() {
        let layer = Arc::new(Counting(LocalKeyLayer::ephemeral(), AtomicUsize::new(0)));
        let keys = KeyRing::new(layer.clone(), 86_400);
        let project = project(&keys, 1).await;
        for (at, unwrapped) in [(0, 1), (299, 1), (300, 2), (599, 2), (600, 3)] {
            keys.master_key(&project, NOW.plus_seconds(at)).await.map(drop).unwrap();
            assert_eq!(layer.1.load(Ordering::Relaxed), unwrapped, "after {at} s");
        }
        keys.forget_old(NOW.plus_seconds(900));
        assert_eq!(keys.kept.lock().unwrap().len(), 0);
    }

    #[tokio::test]
    async fn zero_keeps_nothing_and_the_number_kept_is_bounded() {
        let layer = Arc::new(Counting(LocalKeyLayer::ephemeral(), AtomicUsize::new(0)));
        let none = KeyRing::new(layer.clone(), 0);
        let one = project(&none, 1).await;
        none.master_key(&one, NOW).await.map(drop).unwrap();
        none.master_key(&one, NOW).await.map(drop).unwrap();
        assert_eq!(layer.1.load(Ordering::Relaxed), 2);

        let keys = KeyRing::new(layer, 300);
        for number in 0..=255 {
            for vault in 0..2 {
                let mut project = project(&keys, number).await;
                project.vault = VaultId::from_entropy([vault; 16]);
                project.master_key =
                    keys.maker().make_wrapped(&KeyContext::Project(project.vault, project.id)).await.unwrap();
                keys.master_key(&project, NOW).await.map(drop).unwrap();
            }
        }
        assert_eq!(keys.kept.lock().unwrap().len(), MOST_KEPT.get());
    }

    #[tokio::test]
    async fn a_project_row_with_anothers_key_does_not_open() {
        let keys = KeyRing::new(Arc::new(LocalKeyLayer::ephemeral()), 300);
        let (one, mut two) = (project(&keys, 1).await, project(&keys, 2).await);
        keys.master_key(&one, NOW).await.map(drop).unwrap();
        two.master_key = one.master_key;
        assert!(matches!(keys.master_key(&two, NOW).await, Err(KeyError::Damaged)));
    }

    #[test]
    fn a_key_file_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.key");
        assert!(matches!(LocalKeyLayer::from_file(&path), Err(KeyFileError::Io(..))));
        LocalKeyLayer::make_file(&path).map(drop).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let first = std::fs::read(&path).unwrap();
        LocalKeyLayer::from_file(&path).map(drop).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first, "an existing key is kept");

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(LocalKeyLayer::from_file(&path), Err(KeyFileError::Open(_))));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, [1; 31]).unwrap();
        assert!(matches!(LocalKeyLayer::from_file(&path), Err(KeyFileError::Malformed(_))));
    }
}
