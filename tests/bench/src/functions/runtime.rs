//! Lambda's runtime API, for one process at a time, with a watch.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as PathOf, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::{Mutex, mpsc};

use bench::Failure;

/// A function that does nothing for this long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a function did, and when.
enum Happened {
    Polled(Instant),
    Answered(Instant, Value),
    Failed(String),
}

/// What one start took.
pub struct Run {
    pub to_first_poll: Duration,
    pub first_request: Duration,
    pub next_request: Duration,
    pub memory_kib: u64,
}

#[derive(Clone)]
struct Api {
    events: Arc<Mutex<mpsc::UnboundedReceiver<Value>>>,
    happened: mpsc::UnboundedSender<Happened>,
}

/// The API, listening.
pub struct Runtime {
    address: SocketAddr,
    events: mpsc::UnboundedSender<Value>,
    happened: Mutex<mpsc::UnboundedReceiver<Happened>>,
}

impl Runtime {
    pub async fn start() -> Result<Self, Failure> {
        let (events, coming) = mpsc::unbounded_channel();
        let (happened, happening) = mpsc::unbounded_channel();
        let api = Api { events: Arc::new(Mutex::new(coming)), happened };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .with_state(api);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, events, happened: Mutex::new(happening) })
    }

    /// Starts a function, gives it two events one after the other, and ends it.
    pub async fn run(
        &self,
        program: &Path,
        environment: &[(&'static str, String)],
        events: [Value; 2],
    ) -> Result<Run, Failure> {
        let mut command = Command::new(program);
        command.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
        command.env("AWS_LAMBDA_RUNTIME_API", self.address.to_string()).env("AWS_LAMBDA_FUNCTION_NAME", "bench");
        command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512").env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
        command.env("AWS_LAMBDA_LOG_GROUP_NAME", "bench").env("AWS_LAMBDA_LOG_STREAM_NAME", "bench");
        let started = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn()?;
        let mut happened = self.happened.lock().await;
        let to_first_poll = polled(&mut happened).await?.duration_since(started);
        let mut requests = vec![];
        for event in events {
            let asked = Instant::now();
            self.events.send(event)?;
            requests.push(answer(&mut happened).await?.duration_since(asked));
            polled(&mut happened).await?;
        }
        let memory_kib = peak_memory_kib(child.id().unwrap_or_default())?;
        child.kill().await?;
        let [first_request, next_request] = requests.try_into().map_err(|_| "two requests")?;
        Ok(Run { to_first_poll, first_request, next_request, memory_kib })
    }
}

async fn happening(happened: &mut mpsc::UnboundedReceiver<Happened>) -> Result<Happened, Failure> {
    let next = tokio::time::timeout(PATIENCE, happened.recv()).await;
    next.map_err(|_| "a function did nothing for ten seconds")?.ok_or_else(|| "the runtime API ended".into())
}

async fn polled(happened: &mut mpsc::UnboundedReceiver<Happened>) -> Result<Instant, Failure> {
    match happening(happened).await? {
        Happened::Polled(at) => Ok(at),
        Happened::Answered(_, answer) => Err(format!("an answer that nobody waited for: {answer}").into()),
        Happened::Failed(error) => Err(error.into()),
    }
}

async fn answer(happened: &mut mpsc::UnboundedReceiver<Happened>) -> Result<Instant, Failure> {
    match happening(happened).await? {
        Happened::Answered(_, answer) if answer["statusCode"].as_u64() >= Some(500) => Err(answer.to_string().into()),
        Happened::Answered(at, _) => Ok(at),
        Happened::Polled(_) => Err("a poll without an answer".into()),
        Happened::Failed(error) => Err(error.into()),
    }
}

async fn next(State(api): State<Api>) -> Response {
    let _ = api.happened.send(Happened::Polled(Instant::now()));
    // A process that is ended closes its connection, which drops this before it can take another's event.
    let event = api.events.lock().await.recv().await.unwrap_or_default();
    let deadline = edge::Clock::System.now().plus_seconds(60).ms().to_string();
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:bench".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event.to_string()).into_response()
}

async fn answered(State(api): State<Api>, PathOf(_): PathOf<String>, body: Bytes) -> StatusCode {
    let at = Instant::now();
    let _ = api.happened.send(Happened::Answered(at, serde_json::from_slice(&body).unwrap_or_default()));
    StatusCode::ACCEPTED
}

async fn failed(State(api): State<Api>, PathOf(_): PathOf<String>, body: Bytes) -> StatusCode {
    let _ = api.happened.send(Happened::Failed(String::from_utf8_lossy(&body).into_owned()));
    StatusCode::ACCEPTED
}

/// The most memory that a process has had in use, in KiB.
fn peak_memory_kib(pid: u32) -> Result<u64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| "a process status of another shape".into())
}
