//! A function's routes: the router, and the table of what is in it.

use axum::Router;
use axum::handler::Handler;
use axum::response::IntoResponse as _;
use axum::{middleware, routing};
use tower_http::catch_panic::CatchPanicLayer;

use rules::scope::Needs;

use crate::caller::door::{self, Door};
use crate::openapi::{Described, Description};
use crate::telemetry::{self, Telemetry};
use crate::{Base, Error};

/// One route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `GET` or `POST`; there are no others.
    pub method: &'static str,
    /// The path's template.
    pub path: String,
    /// The function it belongs to.
    pub function: &'static str,
    /// What it needs, if it is one of management.
    pub needs: Option<Needs>,
}

/// The routes of one function. Built like a router, and knows afterwards what it holds.
pub struct Routes<S = ()> {
    function: &'static str,
    table: Vec<Route>,
    /// Of each route in the table.
    descriptions: Vec<Option<Description>>,
    router: Router<S>,
}

async fn no_route() -> Error {
    Error::not_found("Route")
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// None yet, of this function.
    #[must_use]
    pub fn of(function: &'static str) -> Self {
        Self { function, table: vec![], descriptions: vec![], router: Router::new() }
    }

    fn add(
        mut self,
        method: &'static str,
        path: String,
        needs: Option<Needs>,
        description: Option<Description>,
        route: routing::MethodRouter<S>,
    ) -> Self {
        self.router = self.router.route(&path, route);
        self.table.push(Route { method, path, function: self.function, needs });
        self.descriptions.push(description);
        self
    }

    /// Adds a GET route. Unlike axum's own, it is not run for HEAD: a HEAD must not use up a link or a nonce.
    #[must_use]
    pub fn get<T: 'static, A>(self, path: &str, handler: impl Handler<T, S> + Described<A>) -> Self {
        let description = Description::of(&handler);
        self.add("GET", path.to_owned(), None, description, routing::get(handler).head(no_route))
    }

    /// Adds a POST route.
    #[must_use]
    pub fn post<T: 'static, A>(self, path: &str, handler: impl Handler<T, S> + Described<A>) -> Self {
        let description = Description::of(&handler);
        self.add("POST", path.to_owned(), None, description, routing::post(handler))
    }

    /// Goes on with routes of management.
    #[must_use]
    pub fn managed(self, base: &Base) -> Managed<S> {
        Managed { routes: self, door: Door::new(base) }
    }

    /// Gives the handlers their state.
    #[must_use]
    pub fn with_state(self, state: S) -> Routes {
        let Self { function, table, descriptions, router } = self;
        Routes { function, table, descriptions, router: router.with_state(state) }
    }
}

/// Routes of management: each is added at the door of people, under `/v1/manage/`, and, unless it is for people only, at
/// the door of AI agents too, under `/v1/ai/`. What it needs is said here and nowhere else.
pub struct Managed<S> {
    routes: Routes<S>,
    door: Door,
}

impl<S: Clone + Send + Sync + 'static> Managed<S> {
    /// Adds a GET route, by its path below the doors.
    #[must_use]
    pub fn get<T: 'static, A>(
        self,
        path: &str,
        needs: impl Into<Needs>,
        handler: impl Handler<T, S> + Described<A>,
    ) -> Self {
        self.add("GET", path, needs.into(), Description::of(&handler), &routing::get(handler))
    }

    /// Adds a POST route, by its path below the doors.
    #[must_use]
    pub fn post<T: 'static, A>(
        self,
        path: &str,
        needs: impl Into<Needs>,
        handler: impl Handler<T, S> + Described<A>,
    ) -> Self {
        self.add("POST", path, needs.into(), Description::of(&handler), &routing::post(handler))
    }

    fn add(
        mut self,
        method: &'static str,
        path: &str,
        needs: Needs,
        description: Option<Description>,
        route: &routing::MethodRouter<S>,
    ) -> Self {
        let behind = (self.door.clone(), needs);
        let people = route.clone().route_layer(middleware::from_fn_with_state(behind.clone(), door::for_people));
        let at = |door| format!("/v1/{door}/{path}");
        self.routes = self.routes.add(method, at("manage"), Some(needs), description, without_head(method, people));
        if needs != Needs::Person {
            let agents = route.clone().route_layer(middleware::from_fn_with_state(behind, door::for_agents));
            self.routes = self.routes.add(method, at("ai"), Some(needs), description, without_head(method, agents));
        }
        self
    }

    /// Gives the handlers their state.
    #[must_use]
    pub fn with_state(self, state: S) -> Routes {
        self.routes.with_state(state)
    }
}

fn without_head<S: Clone + Send + Sync + 'static>(
    method: &str,
    route: routing::MethodRouter<S>,
) -> routing::MethodRouter<S> {
    if method == "GET" { route.head(no_route) } else { route }
}

impl Routes {
    /// What there is.
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    /// The same with what the handlers' types tell, if it is kept.
    pub(crate) fn descriptions(&self) -> impl Iterator<Item = (&Route, Description)> {
        self.table.iter().zip(&self.descriptions).filter_map(|(route, description)| Some((route, (*description)?)))
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
