//! The system inside this process, for what cannot be seen from outside: the bare floor, and what a read asks of the
//! store and the key layer.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use crypto::{KeyContext, Sealed};
use edge::{Clock, Config};
use local::{Parts, Running, System};
use store::key_layer::KeyBytes;
use store::{Backend, KeyError, KeyLayer, LocalKeyLayer};
use tokio::net::TcpListener;

use bench::Failure;
use bench::fixture::Fixture;

/// The local key layer, counting what it unwraps.
struct Counting {
    layer: LocalKeyLayer,
    unwraps: Arc<AtomicU64>,
}

#[async_trait]
impl KeyLayer for Counting {
    async fn make_wrapped(&self, context: &KeyContext) -> Result<Sealed, KeyError> {
        self.layer.make_wrapped(context).await
    }

    async fn unwrap(&self, context: &KeyContext, wrapped: &Sealed) -> Result<KeyBytes, KeyError> {
        self.unwraps.fetch_add(1, Ordering::Relaxed);
        self.layer.unwrap(context, wrapped).await
    }
}

/// The system in this process, set up.
pub struct Instance {
    pub system: System,
    pub fixture: Arc<Fixture>,
    pub address: SocketAddr,
    unwraps: Arc<AtomicU64>,
    server: Running,
}

impl Instance {
    pub async fn start(backend: Arc<dyn Backend>) -> Result<Self, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let unwraps = Arc::default();
        let parts = Parts {
            backend,
            key_layer: Arc::new(Counting { layer: LocalKeyLayer::ephemeral(), unwraps: Arc::clone(&unwraps) }),
            clock: Clock::System,
            config: Config::at(format!("http://localhost:{}", address.port())),
        };
        let system = parts.assemble().await?;
        let server = local::serve(listener, local::router(&system));
        let fixture = tokio::task::spawn_blocking(move || Fixture::set_up(address)).await??;
        Ok(Self { system, fixture: Arc::new(fixture), address, unwraps, server })
    }

    /// How often the key layer has unwrapped a key.
    pub fn unwraps(&self) -> u64 {
        self.unwraps.load(Ordering::Relaxed)
    }

    pub async fn stop(self) -> Result<(), Failure> {
        Ok(self.server.stop().await?)
    }
}
