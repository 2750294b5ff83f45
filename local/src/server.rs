//! Listening, and stopping cleanly.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long requests under way may take once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// A server that is listening.
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Takes no more requests, lets those under way end, and returns when they have, or after a few seconds.
    pub async fn stop(self) -> std::io::Result<()> {
        self.stop.send_replace(true);
        match tokio::time::timeout(DRAIN, self.task).await {
            Ok(Ok(served)) => served,
            Ok(Err(error)) => Err(std::io::Error::other(error)),
            // Only idle or stuck connections are left.
            Err(_) => Ok(()),
        }
    }
}

/// Serves a router until told to stop. The peer's address goes with each request.
#[must_use]
pub fn serve(listener: TcpListener, router: Router) -> Running {
    let (stop, mut stopped) = watch::channel(false);
    let listener = listener.tap_io(|stream| {
        // Without this small answers wait for the peer's acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no nodelay");
        }
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let task = tokio::spawn(async move {
        axum::serve(listener, service)
            .with_graceful_shutdown(async move {
                // An error means that the sender is gone, which is a reason to stop too.
                let _ = stopped.wait_for(|stop| *stop).await;
            })
            .await
    });
    Running { stop, task }
}
