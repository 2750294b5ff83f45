//! What one request made the server do: calls to the store and the key layer, and events that alarms watch.
//!
//! [`measured`] opens a count for everything that runs inside it; backends and clients count each attempt of a call. Work
//! that is handed to another task goes on counting through [`inherited`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Something that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// An attempt of a call to DynamoDB.
    StoreCall,
    /// An attempt of a call to KMS.
    KeyCall,
    /// A source address was locked out.
    Lockout,
    /// An audit record of severity critical was sent to the store.
    CriticalRecord,
    /// An attempt to hand a mail over.
    Mail,
}

/// The counts of one request.
#[derive(Debug, Default)]
pub struct Counts([AtomicU32; 5]);

impl Counts {
    /// How often this was counted.
    pub fn of(&self, what: Counted) -> u32 {
        self.0.get(what as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

tokio::task_local! {
    static COUNTS: Arc<Counts>;
}

/// Runs this and counts what it does.
pub async fn measured<T>(work: impl Future<Output = T>) -> (T, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    (COUNTS.scope(counts.clone(), work).await, counts)
}

/// The same work, counted where it is started from even if another task runs it.
pub fn inherited<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let counts = COUNTS.try_with(Arc::clone).unwrap_or_default();
    COUNTS.scope(counts, work)
}

/// Counts one, if anybody wants to know.
pub fn count(what: Counted) {
    let _ = COUNTS.try_with(|counts| counts.0.get(what as usize).map(|count| count.fetch_add(1, Ordering::Relaxed)));
}
