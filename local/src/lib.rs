//! The whole system in one process on an embedded store: for development and for trying SikkerKey out.
//!
//! The functions are the same as on AWS; [`embedded`] stands in for DynamoDB, a key file for KMS, and [`serve`] for
//! API Gateway and the schedules. No Java, no Docker, no AWS account.

pub mod embedded;
mod server;

use std::sync::Arc;

use aws_sdk_dynamodb::config::{HttpClient, SharedHttpClient};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use edge::{Clock, Config, Routes, Services, SourceAddress, telemetry};
use seal_secret::SealSecret;
use store::client::bounded;
use store::{KeyLayer, Keys, Store, StoreError, tables};

pub use server::{Running, serve};

/// What the system is put together from.
pub struct Parts {
    /// Speaks for the store: an [`embedded::Embedded`], or something around one.
    pub dynamodb: SharedHttpClient,
    /// The server key layer.
    pub key_layer: Arc<dyn KeyLayer>,
    /// The clock.
    pub clock: Clock,
    /// Configuration.
    pub config: Config,
}

/// A client of the store that speaks through this, with the limits it has on AWS.
#[must_use]
pub fn client(through: impl HttpClient + 'static) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .http_client(through)
        .endpoint_url("http://embedded.invalid")
        .region(aws_sdk_dynamodb::config::Region::new("local"))
        .allow_no_auth();
    aws_sdk_dynamodb::Client::from_conf(bounded(config).build())
}

impl Parts {
    /// Puts the services together and makes the tables that are not there.
    pub async fn assemble(self) -> Result<Services, StoreError> {
        let dynamodb = client(self.dynamodb);
        tables::create_missing(&dynamodb, &self.config.table_prefix).await?;
        let (store, values) = Store::new(dynamodb, &self.config.table_prefix);
        Ok(Services {
            store,
            values,
            keys: Keys::new(self.key_layer, self.config.key_cache_seconds),
            clock: self.clock,
            config: Arc::new(self.config),
        })
    }
}

/// Every function's routes.
#[must_use]
pub fn functions(services: &Services) -> Vec<Routes> {
    let seal = Arc::new(SealSecret::new(services));
    vec![
        read_secret::routes(services),
        export_secrets::routes(services),
        list_secrets::routes(services),
        poll_secrets::routes(services),
        bootstrap_machine::routes(services),
        enroll_machine::routes(services),
        download_bundle::routes(services),
        account::routes(services),
        manage_projects::routes(services),
        manage_secrets::routes(services, seal.clone()),
        manage_machines::routes(services, seal),
        manage_audit::routes(services),
        Routes::of("local").get("/", welcome),
    ]
}

/// All of them in one router.
pub fn router(services: &Services) -> Router {
    Routes::into_router(functions(services))
        .layer(middleware::from_fn_with_state(services.clock.clone(), telemetry::line))
        .layer(middleware::from_fn(source_address))
}

async fn welcome() -> &'static str {
    "SikkerKey in local mode, for development and trying out.\n\
     There is no web page here yet; the README shows how to use the API.\n"
}

/// The gateway's part: the address comes from the connection and from nothing that the client wrote.
async fn source_address(mut request: Request, next: Next) -> Response {
    if let Some(peer) = request.extensions().get::<axum::extract::ConnectInfo<std::net::SocketAddr>>() {
        let source = SourceAddress::new(peer.0.ip());
        request.extensions_mut().insert(source);
    }
    next.run(request).await
}
