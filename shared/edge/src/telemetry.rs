//! One structured line per request, and the metrics that alarms watch, embedded in it.
//!
//! A line says which function and route were asked, how that ended and why, how long it took, what it asked of the
//! store and the key layer, whether the function had just started, and the request's id. It never holds ids of
//! secrets, machines or people, nor bodies, headers or values: the audit log is the place for who did what.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;
use store::meter::{Counted, Counts, measured};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::http::error::Told;
use crate::{Base, Clock, Error};

/// Where metrics go.
const NAMESPACE: &str = "SikkerKey";
/// The target of request lines, which are JSON already.
const REQUEST: &str = "request";

/// The id of a request, put into it by whatever runs the router: a caller can quote it, and the line has it.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Whether no request has been answered by this process yet.
static COLD: AtomicBool = AtomicBool::new(true);

/// What writes the lines of one deployment.
#[derive(Debug, Clone)]
pub struct Telemetry {
    clock: Clock,
    deployment: Arc<str>,
    counts_errors: bool,
}

/// How a request ended.
pub struct Outcome {
    /// The status it was answered with, or the one it would have over HTTP.
    pub status: u16,
    /// What only the log learns of an error.
    pub reason: Option<String>,
}

impl<T> From<&Result<T, Error>> for Outcome {
    fn from(result: &Result<T, Error>) -> Self {
        match result {
            Ok(_) => Self { status: 200, reason: None },
            Err(error) => Self { status: error.status().as_u16(), reason: error.reason().map(str::to_owned) },
        }
    }
}

impl From<&Response> for Outcome {
    fn from(response: &Response) -> Self {
        let reason = response.extensions().get::<Told>().and_then(|told| told.inside.clone());
        Self { status: response.status().as_u16(), reason }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: u64,
    level: &'static str,
    function: &'static str,
    route: &'a str,
    outcome: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    duration_ms: u64,
    store_calls: u32,
    key_calls: u32,
    cold: bool,
    request_id: &'a str,
    #[serde(flatten)]
    metrics: Option<Metrics<'a>>,
}

/// Metrics in CloudWatch's embedded format. A line has them only when there is something to count, because a metric
/// costs by the hours in which it is sent.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metrics<'a> {
    #[serde(rename = "_aws")]
    header: Header,
    deployment: &'a str,
    server_errors: u32,
    lockouts: u32,
    critical_events: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Header {
    timestamp: u64,
    cloud_watch_metrics: [Directive; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [[&'static str; 1]; 1],
    metrics: [Metric; 3],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

impl<'a> Metrics<'a> {
    fn of(deployment: &'a str, timestamp: u64, server_errors: u32, counts: &Counts) -> Option<Self> {
        let (lockouts, critical_events) = (counts.of(Counted::Lockout), counts.of(Counted::CriticalRecord));
        let metric = |name| Metric { name, unit: "Count" };
        let directive = Directive {
            namespace: NAMESPACE,
            dimensions: [["Deployment"]],
            metrics: [metric("ServerErrors"), metric("Lockouts"), metric("CriticalEvents")],
        };
        let header = Header { timestamp, cloud_watch_metrics: [directive] };
        let any = server_errors + lockouts + critical_events > 0;
        any.then_some(Self { header, deployment, server_errors, lockouts, critical_events })
    }
}

impl Telemetry {
    /// For these base.
    #[must_use]
    pub fn new(base: &Base) -> Self {
        let deployment = base.config.table_prefix.as_str().into();
        Self { clock: base.clock.clone(), deployment, counts_errors: true }
    }

    /// For a function that answers other functions: an error of its own is one of theirs too, and is counted there.
    #[must_use]
    pub fn counted_by_the_caller(self) -> Self {
        Self { counts_errors: false, ..self }
    }

    /// Does something that was asked for, and writes its line when it is done.
    pub async fn observe<T>(
        &self,
        function: &'static str,
        route: &str,
        request_id: &str,
        work: impl Future<Output = T>,
    ) -> T
    where
        for<'t> Outcome: From<&'t T>,
    {
        let started = self.clock.now();
        let (result, counts) = measured(work).await;
        let (now, outcome) = (self.clock.now(), Outcome::from(&result));
        let server_errors = u32::from(self.counts_errors && outcome.status >= 500);
        let metrics = Metrics::of(&self.deployment, now.ms(), server_errors, &counts);
        let (level, name) = match outcome.status {
            500.. => (Level::ERROR, "failed"),
            400.. => (Level::INFO, "refused"),
            _ => (Level::INFO, "ok"),
        };
        // A line with metrics has to get past a filter that keeps the others out.
        let level = if metrics.is_some() { level.min(Level::WARN) } else { level };
        let line = Line {
            timestamp: now.ms(),
            level: level.as_str(),
            function,
            route,
            outcome: name,
            status: outcome.status,
            reason: outcome.reason.as_deref(),
            duration_ms: now.ms().saturating_sub(started.ms()),
            store_calls: counts.of(Counted::StoreCall),
            key_calls: counts.of(Counted::KeyCall),
            cold: COLD.swap(false, Ordering::Relaxed),
            request_id,
            metrics,
        };
        let line = serde_json::to_string(&line).unwrap_or_default();
        let line = line.as_str();
        match level {
            Level::ERROR => tracing::error!(target: REQUEST, line),
            Level::WARN => tracing::warn!(target: REQUEST, line),
            _ => tracing::info!(target: REQUEST, line),
        }
        result
    }
}

/// The layer around a function's routes.
pub(crate) async fn layer(
    State((telemetry, function)): State<(Telemetry, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let route = format!("{} {path}", request.method());
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    telemetry.observe(function, &route, &id, next.run(request)).await
}

/// Starts logging to this writer, one JSON object a line. `filter` is a list of directives such as `info` or
/// `warn,store=debug`; a list that cannot be read counts as `info`.
pub fn start<W>(filter: &str, writer: W)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    logging(filter, writer).init();
}

/// What [`start`] starts, for who wants it somewhere only.
pub fn logging<W>(filter: &str, writer: W) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(Lines(tracing_subscriber::fmt::format().json()))
        .with_writer(writer);
    let filter = filter.parse::<Targets>().unwrap_or_else(|_| Targets::new().with_default(Level::INFO));
    tracing_subscriber::registry().with(lines).with(filter)
}

/// Writes request lines as they are, and everything else as the library does.
struct Lines(Format<Json>);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> std::fmt::Result {
        if event.metadata().target() != REQUEST {
            return self.0.format_event(context, to, event);
        }
        let mut line = Text::default();
        event.record(&mut line);
        writeln!(to, "{}", line.0)
    }
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, _: &Field, value: &str) {
        value.clone_into(&mut self.0);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn metrics(server_errors: u32) -> Value {
        serde_json::to_value(Metrics::of("prod", 7, server_errors, &Counts::default())).unwrap()
    }

    #[test]
    fn metrics_are_embedded_as_cloudwatch_reads_them() {
        assert_eq!(metrics(0), Value::Null);
        let count = |name: &str| json!({ "Name": name, "Unit": "Count" });
        let directive = json!({ "Namespace": "SikkerKey", "Dimensions": [["Deployment"]],
            "Metrics": [count("ServerErrors"), count("Lockouts"), count("CriticalEvents")] });
        let expected = json!({ "_aws": { "Timestamp": 7, "CloudWatchMetrics": [directive] }, "Deployment": "prod",
            "ServerErrors": 1, "Lockouts": 0, "CriticalEvents": 0 });
        assert_eq!(metrics(1), expected);
    }
}
