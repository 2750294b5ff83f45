//! What every function shares at its door: configuration, authentication, bodies, errors and telemetry.
//!
//! A function is an axum router over [`Services`]. Who may call a route is in its handler's arguments:
//! [`SignedRequest`] for a machine, [`Person`] for somebody signed in. This crate alone turns errors into statuses,
//! reads the clock and the environment, and decides what a caller is told and what only the log learns.

pub mod answer;
pub mod body;
mod clock;
pub mod config;
mod error;
mod gate;
mod opener;
pub mod own;
mod person;
pub mod seal;
mod services;
mod signed;
mod source;
pub mod telemetry;

pub use answer::{Json, done};
pub use body::{Body, Ids};
pub use clock::Clock;
pub use config::Config;
pub use error::Error;
pub use gate::{Facts, Gate};
pub use opener::Opener;
pub use person::{Person, SESSION_COOKIE, SameOrigin, Sessions};
pub use services::{Attempts, Services};
pub use signed::SignedRequest;
pub use source::SourceAddress;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodRouter, get as axum_get};

async fn no_route() -> Error {
    Error::not_found("Route")
}

/// A GET route. Unlike axum's own, it is not run for HEAD: a HEAD must not use up a link or a nonce.
pub fn get<H: Handler<T, S>, T: 'static, S: Clone + Send + Sync + 'static>(handler: H) -> MethodRouter<S> {
    axum_get(handler).head(no_route)
}

/// Finishes a router: what no route matches is a plain 404, as is a method that a path does not take.
pub fn finish<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.fallback(no_route).method_not_allowed_fallback(no_route)
}
