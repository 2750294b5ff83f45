//! DynamoDB and KMS for functions that run as processes of their own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector::Connector;
use crypto::{KeyContext, Sealed};
use edge::{Clock, Config};
use local::Parts;
use local::embedded::Embedded;
use serde_json::{Value, json};
use store::{KeyLayer as _, LocalKeyLayer};
use tokio::net::TcpListener;

use bench::Failure;
use bench::fixture::Fixture;

/// The ARN by which functions name the key.
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/bench";

/// A deployment with one machine that may read one secret, and its endpoints.
pub struct Aws {
    pub fixture: Fixture,
    dynamodb: SocketAddr,
    kms: SocketAddr,
}

async fn serve(router: Router) -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

impl Aws {
    pub async fn start() -> Result<Self, Failure> {
        let (embedded, layer) = (Embedded::in_memory()?, Arc::new(LocalKeyLayer::ephemeral()));
        let parts = Parts {
            backend: Arc::new(embedded.clone()),
            key_layer: layer.clone(),
            clock: Clock::System,
            config: Config::at("http://localhost".to_owned()),
        };
        let built = parts.assemble().await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let system = local::serve(listener, local::router(&built));
        let fixture = tokio::task::spawn_blocking(move || Fixture::set_up(address)).await??;
        system.stop().await?;
        let dynamodb = serve(Router::new().route("/", post(dynamodb).with_state(Connector(embedded)))).await?;
        let kms = serve(Router::new().route("/", post(kms).with_state(layer))).await?;
        Ok(Self { fixture, dynamodb, kms })
    }

    /// What a function finds in its environment.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |name, value: &str| (name, value.to_owned());
        vec![
            text("AWS_REGION", "us-east-1"),
            text("AWS_ACCESS_KEY_ID", "bench"),
            text("AWS_SECRET_ACCESS_KEY", "bench"),
            ("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", self.dynamodb)),
            ("AWS_ENDPOINT_URL_KMS", format!("http://{}", self.kms)),
            // Nobody is there: no event asks seal-secret or send-mail for anything.
            ("AWS_ENDPOINT_URL_LAMBDA", format!("http://{}", self.kms)),
            text("SIKKERKEY_URL", "https://keys.example.org"),
            text("SIKKERKEY_KMS_KEY", KEY),
            text("SIKKERKEY_SEAL_FUNCTION", "seal-secret"),
            text("SIKKERKEY_MAIL_FUNCTION", "send-mail"),
            // The events that fail all come from a few addresses, and an answer to one that is locked out is cheap.
            text("SIKKERKEY_LOCKOUT_FAILURES", "1000"),
        ]
    }
}

async fn dynamodb(State(store): State<Connector>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = async {
        let (_, operation) = headers.get("x-amz-target")?.to_str().ok()?.split_once('.')?;
        let (status, answer) = store.answer(operation, &body).await;
        Some((StatusCode::from_u16(status).ok()?, answer).into_response())
    };
    answer.await.unwrap_or_else(|| StatusCode::BAD_REQUEST.into_response())
}

/// Decrypt alone: no event makes a key.
async fn kms(State(layer): State<Arc<LocalKeyLayer>>, body: Bytes) -> Response {
    let answer = async {
        let request: Value = serde_json::from_slice(&body).ok()?;
        let context = &request["EncryptionContext"];
        let vault = context["vault"].as_str()?.parse().ok()?;
        let context = match context["project"].as_str() {
            Some(project) => KeyContext::Project(vault, project.parse().ok()?),
            None => KeyContext::Vault(vault),
        };
        let wrapped = Sealed::from_bytes(STANDARD.decode(request["CiphertextBlob"].as_str()?).ok()?);
        let key = layer.unwrap(&context, &wrapped).await.ok()?;
        Some(json!({ "Plaintext": STANDARD.encode(*key), "KeyId": KEY }).to_string().into_response())
    };
    answer.await.unwrap_or_else(|| StatusCode::BAD_REQUEST.into_response())
}
