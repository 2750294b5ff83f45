//! The wire contract between SikkerKey's clients and its server.
//!
//! What is here is shared by every side that speaks the protocol: identifiers, the text that is signed, the
//! headers that carry a signature, and the bodies that published clients decode. Nothing here does I/O, reads a
//! clock or makes a random number; strings from the network are parsed once, into types that cannot be wrong.

pub mod bodies;
pub mod ids;
pub mod signing;

pub use ids::{AgentId, MachineId, MalformedId, ProjectId, SecretId, UserId, VaultId};
pub use signing::{MalformedHeader, Nonce, SignedHeaders, SigningText, Timestamp};

/// Largest age or lead of a signed request's timestamp, in seconds, either side of the server's clock.
pub const MAX_CLOCK_SKEW_SECONDS: u64 = 300;
