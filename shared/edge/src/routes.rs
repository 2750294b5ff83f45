//! A function's routes: the router, and the table of what is in it.

use axum::Router;
use axum::handler::Handler;
use axum::response::IntoResponse as _;
use axum::{middleware, routing};
use tower_http::catch_panic::CatchPanicLayer;

use crate::Error;
use crate::telemetry::{self, Telemetry};

/// One route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// `GET` or `POST`; there are no others.
    pub method: &'static str,
    /// The path's template.
    pub path: &'static str,
    /// The function it belongs to.
    pub function: &'static str,
}

/// The routes of one function. Built like a router, and knows afterwards what it holds.
pub struct Routes<S = ()> {
    function: &'static str,
    table: Vec<Route>,
    router: Router<S>,
}

async fn no_route() -> Error {
    Error::not_found("Route")
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// None yet, of this function.
    #[must_use]
    pub fn of(function: &'static str) -> Self {
        Self { function, table: vec![], router: Router::new() }
    }

    fn add(mut self, method: &'static str, path: &'static str, route: routing::MethodRouter<S>) -> Self {
        self.table.push(Route { method, path, function: self.function });
        self.router = self.router.route(path, route);
        self
    }

    /// Adds a GET route. Unlike axum's own, it is not run for HEAD: a HEAD must not use up a link or a nonce.
    #[must_use]
    pub fn get<T: 'static>(self, path: &'static str, handler: impl Handler<T, S>) -> Self {
        self.add("GET", path, routing::get(handler).head(no_route))
    }

    /// Adds a POST route.
    #[must_use]
    pub fn post<T: 'static>(self, path: &'static str, handler: impl Handler<T, S>) -> Self {
        self.add("POST", path, routing::post(handler))
    }

    /// Gives the handlers their state.
    #[must_use]
    pub fn with_state(self, state: S) -> Routes {
        Routes { function: self.function, table: self.table, router: self.router.with_state(state) }
    }
}

impl Routes {
    /// What there is.
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    /// The router of one or more functions. What no route matches is a plain 404, as is a method that a path does not
    /// take; a panic is a 500 that says nothing. Every request has its line in the log.
    pub fn into_router(functions: Vec<Self>, telemetry: &Telemetry) -> Router {
        let finished = |router: Router, function: &'static str| {
            let panics = CatchPanicLayer::custom(|_| Error::internal("a panic, see standard error").into_response());
            let line = middleware::from_fn_with_state((telemetry.clone(), function), telemetry::layer);
            router.method_not_allowed_fallback(no_route).layer(panics).layer(line)
        };
        let elsewhere = Router::new().fallback(no_route);
        functions
            .into_iter()
            .fold(finished(elsewhere, "none"), |all, function| all.merge(finished(function.router, function.function)))
    }
}
