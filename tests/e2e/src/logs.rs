//! What was logged, so that tests can look for what must not be there.

use std::io::Write;
use std::sync::{Arc, Mutex, Once, PoisonError};

use tracing::subscriber::DefaultGuard;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn all() -> &'static Sink {
    static ALL: std::sync::OnceLock<Sink> = std::sync::OnceLock::new();
    ALL.get_or_init(Sink::default)
}

/// Keeps everything that this process logs from now on, as it is logged on AWS.
pub(crate) fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| edge::telemetry::start("info", || all().clone()));
}

/// All lines logged by this process so far.
pub fn logged() -> String {
    all().text()
}

/// Everything that one thread logs, down to debugging, while this is there: far more than a function may log.
pub struct EveryLine {
    sink: Sink,
    _guard: DefaultGuard,
}

impl EveryLine {
    /// From now on, on this thread.
    pub fn of_this_thread() -> Self {
        capture();
        let sink = Sink::default();
        let to = sink.clone();
        let guard = tracing::subscriber::set_default(edge::telemetry::logging("debug", move || to.clone()));
        Self { sink, _guard: guard }
    }

    /// The lines so far.
    pub fn logged(&self) -> String {
        self.sink.text()
    }
}
