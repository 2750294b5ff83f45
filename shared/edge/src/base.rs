//! What every function is given: the store, the clock and the configuration. What only some may have, such as values and keys,
//! their routes ask for beside it.

use std::sync::Arc;
use std::time::Duration;

use store::{KeyRing, Store};
use tokio::task::JoinSet;

use crate::{Attempts, Clock, Config};

/// Most projects whose keys are unwrapped before the first request, each by one call to the key layer.
const KEYS_PREPARED: u8 = 16;
/// Longest that keys may be prepared: Lambda gives a start ten seconds, and the connections take one of them at most.
const PREPARE: Duration = Duration::from_secs(5);

/// What every function is given.
#[derive(Clone)]
pub struct Base {
    /// Configuration.
    pub config: Arc<Config>,
    /// The tables, but not their values.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
}

impl Base {
    /// Unwraps the keys of the newest projects, so that a function that has just started need not do it in its first
    /// request. What goes wrong or takes too long is left to the requests.
    pub async fn prepare(&self, keys: &KeyRing) {
        if tokio::time::timeout(PREPARE, self.prepare_newest(keys)).await.is_err() {
            tracing::warn!("not all keys were prepared in time");
        }
    }

    async fn prepare_newest(&self, keys: &KeyRing) {
        if self.config.key_cache_seconds == 0 {
            return;
        }
        let projects = match self.store.newest_projects(KEYS_PREPARED).await {
            Ok(projects) => projects,
            Err(error) => return tracing::warn!(%error, "the keys of the newest projects were not prepared"),
        };
        let mut unwrapping = JoinSet::new();
        for project in projects {
            let (keys, now) = (keys.clone(), self.clock.now());
            unwrapping.spawn(async move { keys.master_key(&project, now).await.map(drop) });
        }
        while let Some(unwrapped) = unwrapping.join_next().await {
            if let Ok(Err(error)) = unwrapped {
                tracing::warn!(%error, "a key was not prepared");
            }
        }
    }

    /// The counting of failed attempts.
    #[must_use]
    pub fn attempts(&self) -> Attempts {
        Attempts::new(self)
    }
}
