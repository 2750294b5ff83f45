//! Listening, and stopping cleanly.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

/// How long requests under way may take once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a client may take to send the head of a request, and how long a connection may be idle.
const HEAD: Duration = Duration::from_secs(30);
/// How long to wait when the system gives no connection, because too many files are open.
const PAUSE: Duration = Duration::from_millis(100);

/// A server that is listening.
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Takes no more requests, lets those under way end, and returns when they have, or after a few seconds.
    pub async fn stop(self) -> std::io::Result<()> {
        self.stop.send_replace(true);
        // If it takes longer, only idle or stuck connections are left.
        match tokio::time::timeout(DRAIN, self.task).await {
            Ok(served) => served.map_err(std::io::Error::other),
            Err(_) => Ok(()),
        }
    }
}

/// Serves a router until told to stop. The peer's address goes with each request.
#[must_use]
pub fn serve(listener: TcpListener, router: Router) -> Running {
    let (stop, mut stopped) = watch::channel(false);
    let task = tokio::spawn(async move {
        let connections = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                // An error means that the sender is gone, which is a reason to stop too.
                _ = stopped.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    tokio::spawn(connection(stream, peer, router.clone(), connections.watcher()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not taken");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        drop(listener);
        connections.shutdown().await;
    });
    Running { stop, task }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, watcher: Watcher) {
    // Without this small answers wait for the peer's acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no nodelay");
    }
    let answer = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = router.clone();
        async move { Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = watcher.watch(connection).await {
        // Slow, malformed, or gone: the client's own doing.
        tracing::debug!(%error, "a connection ended");
    }
}
