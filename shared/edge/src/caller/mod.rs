//! Who calls: a machine or an AI agent by a signature, a person by a session, anybody by a token; and what they may do.

mod agent;
mod attempts;
pub(crate) mod door;
mod facts;
pub(crate) mod machine;
pub mod passwords;
pub(crate) mod person;
mod principal;
pub mod second_factor;
mod settle;
pub(crate) mod signed;
mod source;

pub use attempts::Attempts;
pub use machine::{Asker, Gate, READ_TRIES, Read, Refusing};
pub use passwords::Passwords;
pub use person::{Person, SESSION_COOKIE, SameOrigin, SessionCookie, Sessions, SignedIn, WithCookie, new_session};
pub use principal::{Principal, Who};
pub use signed::{SignedBody, SignedRequest};
pub use source::SourceAddress;
