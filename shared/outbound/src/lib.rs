//! Requests to addresses that somebody else chose: webhooks.
//!
//! Whoever may choose where a server sends something tries to have it speak to what only the server can reach: its own
//! computer, its network, the cloud's metadata. So nothing is sent but to public addresses. A URL is looked at first
//! ([`Policy::target`]). Then its host's name is resolved, and every address that the name has must be public; the connection
//! goes to one of just these addresses. Each request resolves anew and opens a connection of its own, so that no check is older
//! than its connection. No redirect is followed, no proxy is asked, and nothing of an answer is read but its status.

mod address;
mod policy;
mod send;

pub use address::is_public;
pub use policy::{Policy, Refused, Target};
pub use send::{Failed, Names, Outbound, SystemNames};
