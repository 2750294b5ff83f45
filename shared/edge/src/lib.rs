//! What every function shares at its door: configuration, authentication, bodies, errors and telemetry.
//!
//! A function is an axum router over [`Base`]. Who may call a route is in its handler's arguments:
//! [`SignedRequest`] for a machine, [`Principal`] for whoever manages, [`Person`] for somebody signed in. This crate alone turns errors into statuses,
//! reads the clock, knows the names of our environment variables, and decides what a caller is told and what only the
//! log learns.

pub mod answer;
mod base;
pub mod body;
mod clock;
pub mod config;
mod door;
mod error;
mod find;
mod gate;
pub mod mail;
pub mod names;
pub mod openapi;
mod opener;
pub mod paging;
pub mod passwords;
mod person;
mod routes;
pub mod seal;
mod settle;
mod signed;
mod source;
pub mod telemetry;

pub use answer::{Json, done};
pub use base::{Attempts, Base};
pub use body::{Body, Ids};
pub use clock::Clock;
pub use config::Config;
pub use door::{Principal, Who};
pub use error::Error;
pub use find::Found;
pub use gate::{Asker, Gate, Read, Refusing};
pub use mail::{MailQueue, MailRequest};
pub use opener::Opener;
pub use passwords::Passwords;
pub use person::{Person, SESSION_COOKIE, SameOrigin, SessionCookie, Sessions, SignedIn, WithCookie, new_session};
pub use routes::{Managed, Route, Routes};
pub use signed::{SignedBody, SignedRequest};
pub use source::SourceAddress;
pub use telemetry::{RequestId, Telemetry};
