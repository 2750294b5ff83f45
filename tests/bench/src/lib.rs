//! What the benchmarks share: something to read, and a connection to read it over.

pub mod fixture;
pub mod http;

/// What goes wrong.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
