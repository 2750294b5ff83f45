//! A receiver of webhooks on this computer, which answers as a test says.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// What a receiver was sent.
#[derive(Debug, Clone)]
pub struct Received {
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Received {
    /// A header's text; nothing of one that is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The delivery's id.
    pub fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }
}

#[derive(Clone)]
struct Shared {
    received: Arc<Mutex<Vec<Received>>>,
    status: Arc<AtomicU16>,
    /// A place for each answer that may be given.
    answers: Arc<Semaphore>,
}

/// The receiver. It ends with this.
pub struct Receiver {
    /// Where it is.
    pub url: String,
    shared: Shared,
    server: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let body = String::from_utf8(body.to_vec()).unwrap();
    shared.received.lock().unwrap_or_else(PoisonError::into_inner).push(Received { headers, body });
    shared.answers.acquire().await.unwrap().forget();
    shared.answers.add_permits(1);
    StatusCode::from_u16(shared.status.load(Ordering::SeqCst)).unwrap()
}

impl Receiver {
    /// One that takes everything.
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let shared = Shared {
            received: Arc::default(),
            status: Arc::new(AtomicU16::new(204)),
            answers: Arc::new(Semaphore::new(1)),
        };
        let router = Router::new().fallback(receive).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, server }
    }

    /// From now on it answers with this status.
    pub fn answer(&self, status: u16) {
        self.shared.status.store(status, Ordering::SeqCst);
    }

    /// From now on it takes requests and does not answer.
    pub fn keep_silent(&self) {
        self.shared.answers.try_acquire().unwrap().forget();
    }

    /// It answers what waits, and from now on.
    pub fn speak_again(&self) {
        self.shared.answers.add_permits(1);
    }

    /// What it was sent, in order.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it was sent so many.
    pub async fn wait_for(&self, number: usize) {
        while self.received().len() < number {
            tokio::task::yield_now().await;
        }
    }

    /// Forgets what it was sent.
    pub fn forget(&self) {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
