//! One structured line per request.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

use crate::Clock;
use crate::error::Inside;

/// Logs a request when it has been answered: route template, status, duration in milliseconds, and for an error what
/// only the log learns. Never ids, bodies or headers. A layer for the router: `from_fn_with_state(clock, line)`.
pub async fn line(axum::extract::State(clock): axum::extract::State<Clock>, request: Request, next: Next) -> Response {
    let started = clock.now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let duration_ms = clock.now().ms().saturating_sub(started.ms());
    let reason = response.extensions().get::<Inside>().map(|inside| inside.0.as_str());
    if status >= 500 {
        tracing::error!(%method, route, status, duration_ms, reason, "request");
    } else {
        tracing::info!(%method, route, status, duration_ms, reason, "request");
    }
    response
}
