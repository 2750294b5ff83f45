//! What every function shares at its door: configuration, authentication, bodies, errors and telemetry.
//!
//! A function is an axum router over [`Base`]. Who may call a route is in its handler's arguments: [`SignedRequest`] for
//! a machine, [`Principal`] for whoever manages, [`Person`] for somebody signed in. This crate alone turns errors into
//! statuses, reads the clock, knows the names of our environment variables, and decides what a caller is told and what
//! only the log learns.

mod base;
mod caller;
mod clock;
pub mod config;
pub mod courier;
pub mod due;
mod find;
mod http;
pub mod mail;
mod opener;
mod origin;
mod room;
pub mod seal;
pub mod telemetry;

pub use base::Base;
pub use caller::{
    Asker, Attempts, Gate, Passwords, Person, Principal, READ_TRIES, Read, Refusing, SESSION_COOKIE, SameOrigin,
    SessionCookie, Sessions, SignedBody, SignedIn, SignedRequest, SourceAddress, Who, WithCookie, new_session,
    passwords, second_factor,
};
pub use clock::Clock;
pub use config::Config;
pub use courier::{Courier, DeliveryRequest};
pub use find::Found;
pub use mail::{MailQueue, MailRequest};
pub use opener::Opener;
pub use origin::Origins;
pub use room::Room;
pub use telemetry::{RequestId, Telemetry};

pub use self::http::{
    Approval, Body, Code, Error, Ids, Json, Managed, Route, Routes, answer, body, done, listing, names, openapi, page,
    paging, script,
};
