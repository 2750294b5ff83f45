//! The data folder: a store and the server key that belongs to it.
//!
//! They are made together and belong together for good: the store holds a value sealed under the key. A start looks at that
//! before anything else, and a folder in which one is missing, empty, damaged or another's is refused with one line that says
//! what to restore. Nothing is written before.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rules::Time;
use store::deployment::KeyCheck;
use store::key_layer::LocalRewrap;
use store::rewrap::{Rewrap as _, Rewrapped};
use store::{KeyError, KeyLayer, LocalKeyLayer, Store, StoreError, deployment, tables};

use crate::embedded::Embedded;

/// What a SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// A folder that is in use.
pub struct Folder {
    /// The store.
    pub embedded: Embedded,
    /// The server key.
    pub key_layer: Arc<dyn KeyLayer>,
    /// Keeps a second process out.
    _lock: File,
}

/// Why a folder cannot be used: one line for the operator.
pub type Refusal = Box<dyn std::error::Error + Send + Sync>;

impl Folder {
    /// Opens a folder, or makes one that is empty. Tables are named `{prefix}-vault` and so on.
    pub async fn open(folder: &Path, prefix: &str) -> Result<Self, Refusal> {
        use std::os::unix::fs::DirBuilderExt as _;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| format!("{}: {error}", folder.display()))?;
        let lock = lock(folder)?;
        let files = Files::of(folder, prefix);
        if files.next_key.exists() {
            let folder = folder.display();
            return Err(
                format!("wrapping the keys in {folder} again was cut off; run local/run --rewrap once more").into()
            );
        }
        let key_layer = files.key_layer().await?;
        let embedded = files.checked(&files.store, &key_layer).await?;
        Ok(Self { embedded, key_layer: Arc::new(key_layer), _lock: lock })
    }
}

/// Keeps other processes out of a folder, which nobody else may be able to read.
fn lock(folder: &Path) -> Result<File, Refusal> {
    use std::os::unix::fs::PermissionsExt as _;
    let say = |error: std::io::Error| format!("{}: {error}", folder.display());
    if std::fs::metadata(folder).map_err(say)?.permissions().mode() & 0o077 != 0 {
        // Not changed for them: it may be a folder that others are meant to read, with something else in it.
        let folder = folder.display();
        return Err(format!("the data folder {folder} is open to others; run: chmod 700 {folder}").into());
    }
    let lock = File::create(folder.join("lock")).map_err(say)?;
    lock.try_lock().map_err(|_| format!("{} is in use by another local/run", folder.display()))?;
    Ok(lock)
}

/// Wraps all keys in a folder again, under a new server key, and puts that in the place of the old one. The old one stays
/// beside it under the name that is told, for backups of before. What was cut off goes on where it was.
pub async fn rewrap(folder: &Path, prefix: &str, now: Time) -> Result<(Rewrapped, PathBuf), Refusal> {
    let _lock = lock(folder)?;
    let files = Files::of(folder, prefix);
    if !files.next_key.exists() {
        if !files.key.exists() || !files.store.exists() {
            let (key, store) = (files.key.display(), files.store.display());
            return Err(format!("{key} and {store} have to be there both").into());
        }
        let key_layer = files.key_layer().await?;
        drop(files.checked(&files.store, &key_layer).await?);
        LocalKeyLayer::make_file(&files.new_key)?;
        files.put(&files.new_key, &files.next_key)?;
    }
    let by =
        LocalRewrap { old: LocalKeyLayer::from_file(&files.key)?, new: LocalKeyLayer::from_file(&files.next_key)? };
    let embedded = match files.checked(&files.store, &by.old).await {
        Ok(embedded) => embedded,
        // The check value comes last.
        Err(refusal) => files.checked(&files.store, &by.new).await.map_err(|_| refusal)?,
    };
    let (store, _) = Store::new(Arc::new(embedded), prefix);
    let done = store.rewrap_all(&by, now).await?;
    if let Some(check) = store.get(&deployment::key_check()).await?
        && let Some(new) = by.rewrap(&KeyCheck::CONTEXT, &check.sealed).await?
    {
        store.change(deployment::key_check().change().set(deployment::SEALED, &new)).await?;
    }
    // The last hold on the file closes it and brings its log into it.
    drop(store);
    File::open(&files.store)?.sync_all()?;
    let kept = (1..=u32::MAX).map(|n| folder.join(format!("server.key.{n}"))).find(|path| !path.exists());
    let kept = kept.ok_or("there is no name left for the old key")?;
    std::fs::hard_link(&files.key, &kept)?;
    files.put(&files.next_key, &files.key)?;
    Ok((done, kept))
}

struct Files<'a> {
    folder: &'a Path,
    prefix: &'a str,
    key: PathBuf,
    store: PathBuf,
    /// What a first start makes, until it is whole.
    new_key: PathBuf,
    new_store: PathBuf,
    /// The key that all keys are being wrapped under.
    next_key: PathBuf,
}

impl<'a> Files<'a> {
    fn of(folder: &'a Path, prefix: &'a str) -> Self {
        let file = |name| folder.join(name);
        let (new_key, new_store) = (file("server.new"), file("store.new"));
        let (key, store, next_key) = (file("server.key"), file("store.sqlite"), file("server.next"));
        Self { folder, prefix, key, store, new_key, new_store, next_key }
    }

    /// The server key, with its store beside it; both are made if neither is there.
    async fn key_layer(&self) -> Result<LocalKeyLayer, Refusal> {
        let (key, store) = (self.key.display(), self.store.display());
        match (self.key.exists(), self.store.exists()) {
            (true, true) => Ok(LocalKeyLayer::from_file(&self.key)?),
            (false, true) => {
                // A new key would make everything in the store unreadable for good, and quietly.
                Err(format!("{key} is missing, and without it nothing in {store} can be read; restore it").into())
            }
            (true, false) => {
                let key_layer = LocalKeyLayer::from_file(&self.key)?;
                // A first start that was cut off between the two has left its store whole.
                if !self.new_store.exists() || self.checked(&self.new_store, &key_layer).await.is_err() {
                    let text = format!("{store} is missing beside {key}; restore it, or move {key} away to begin anew");
                    return Err(text.into());
                }
                self.put(&self.new_store, &self.store)?;
                Ok(key_layer)
            }
            (false, false) => {
                self.throw_away()?;
                let key_layer = LocalKeyLayer::make_file(&self.new_key)?;
                self.make_store(&key_layer).await?;
                self.put(&self.new_key, &self.key)?;
                self.put(&self.new_store, &self.store)?;
                Ok(key_layer)
            }
        }
    }

    /// What an earlier first start left that was cut off.
    fn throw_away(&self) -> Result<(), Refusal> {
        let log = |suffix| {
            let mut name = self.new_store.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        for left in [&self.new_key, &self.new_store, &log("-wal"), &log("-shm")] {
            match std::fs::remove_file(left) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(format!("{}: {error}", left.display()).into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes the store with its tables and what shows that it is this key's, under another name first.
    async fn make_store(&self, key_layer: &LocalKeyLayer) -> Result<(), Refusal> {
        let embedded = Embedded::in_file(&self.new_store)?;
        tables::create_missing(&embedded, self.prefix).await?;
        let (store, _) = Store::new(Arc::new(embedded), self.prefix);
        let mut write = store.transaction();
        write.put_new(&KeyCheck { sealed: key_layer.make_wrapped(&KeyCheck::CONTEXT).await? });
        write.commit().await?;
        // The last hold on the file closes it and brings its log into it.
        drop(store);
        Ok(File::open(&self.new_store)?.sync_all()?)
    }

    /// Puts a file that is whole in its place.
    fn put(&self, from: &Path, to: &Path) -> Result<(), Refusal> {
        std::fs::rename(from, to)?;
        Ok(File::open(self.folder)?.sync_all()?)
    }

    /// Opens a store, if it is whole and this key's.
    async fn checked(&self, path: &Path, key_layer: &LocalKeyLayer) -> Result<Embedded, Refusal> {
        let store = path.display();
        let damaged = |why: String| format!("{store} is damaged ({why}); restore it from a backup");
        let mut head = [0; MAGIC.len()];
        let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
        if read.is_err() || head != *MAGIC {
            return Err(format!("{store} is empty or is no store; restore it from a backup").into());
        }
        let embedded = Embedded::in_file(path).map_err(|error| damaged(error.to_string()))?;
        let (rows, _) = Store::new(Arc::new(embedded.clone()), self.prefix);
        let check = match rows.get(&deployment::key_check()).await {
            Ok(Some(check)) => check,
            Ok(None) | Err(StoreError::Refused(_)) => {
                let text = "has nothing that shows whose it is: it was made by an earlier version, or with another \
                            SIKKERKEY_TABLE_PREFIX; set that as it was, or begin anew in another folder";
                return Err(format!("{store} {text}").into());
            }
            Err(error) => return Err(damaged(error.to_string()).into()),
        };
        match key_layer.unwrap(&KeyCheck::CONTEXT, &check.sealed).await {
            Ok(_) => Ok(embedded),
            Err(KeyError::Damaged) => {
                let key = self.key.display();
                Err(format!("{key} is not the key that {store} was made with; restore that one").into())
            }
            Err(error) => Err(error.into()),
        }
    }
}
