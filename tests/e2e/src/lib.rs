//! The world that end-to-end tests live in: the whole system behind its router, with a clock that the test moves, a
//! store whose calls are counted and made to fail, and a key layer that can be taken away.
//!
//! Requests go through the same router as over a socket, but without one, so a test can stop the time.

mod authenticator;
pub mod cases;
mod contract;
mod document;
mod examples;
mod gateway;
mod keys;
mod logs;
mod mail;
mod place;
mod proxy;
mod receiver;
mod request;
mod rights;
mod roles;
mod values;
mod world;

pub use authenticator::{Browser, CodeApp};
pub use document::document;
pub use keys::TestKeys;
pub use logs::{EveryLine, logged};
pub use mail::TestMail;
pub use place::{is_deep, machines_a_day};
pub use proxy::{Call, Fault, Proxy};
pub use receiver::{Received, Receiver};
pub use request::{Answer, Request, keys, send};
pub use rights::left_by_tests;
pub use roles::{Agent, Machine, Person, signed_request};
pub use world::{Options, World};
