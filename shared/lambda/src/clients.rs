//! The AWS clients of a function, and their connections.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_smithy_types::body::SdkBody;
use store::client::{bounded, retries, timeouts};
use store::meter::{Counted, Counter};

/// Longest that opening a connection may take at the start. The first request would have to wait for it too.
const CONNECT: Duration = Duration::from_secs(1);
/// Longest that `seal-secret` may take. It makes a few calls to the store, each of which may take 4 s at worst, and
/// clients give up after 15 s.
const SEAL: Duration = Duration::from_secs(12);

/// Region, credentials and endpoints from the environment, where Lambda puts them. Nothing else is looked for.
pub(crate) async fn configuration() -> SdkConfig {
    aws_config::from_env()
        .region(EnvironmentVariableRegionProvider::new())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .load()
        .await
}

pub(crate) fn dynamodb(aws: &SdkConfig) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::from_conf(bounded(aws.into()).build())
}

pub(crate) fn kms(aws: &SdkConfig) -> aws_sdk_kms::Client {
    let config = aws_sdk_kms::config::Builder::from(aws)
        .timeout_config(timeouts())
        .retry_config(retries())
        .interceptor(Counter(Counted::KeyCall));
    aws_sdk_kms::Client::from_conf(config.build())
}

/// A client that sends no message twice.
pub(crate) fn lambda(aws: &SdkConfig) -> aws_sdk_lambda::Client {
    let config = aws_sdk_lambda::config::Builder::from(aws)
        .timeout_config(TimeoutConfig::builder().operation_timeout(SEAL).build())
        .retry_config(RetryConfig::disabled());
    aws_sdk_lambda::Client::from_conf(config.build())
}

fn once() -> (RetryConfig, TimeoutConfig) {
    (RetryConfig::disabled(), TimeoutConfig::builder().operation_timeout(CONNECT).build())
}

/// Makes any request a `GET /`: the services answer it without looking at rights, and the connection stays open for the
/// first real request. What they answer does not matter.
macro_rules! connect {
    ($call:expr, $service:ident) => {{
        let (retries, timeouts) = once();
        let config = $service::config::Builder::new().retry_config(retries).timeout_config(timeouts);
        let knock = $call.customize().config_override(config).mutate_request(|request| {
            let _ = request.set_method("GET");
            let _ = request.set_uri("/");
            *request.body_mut() = SdkBody::empty();
            request.headers_mut().remove("x-amz-target");
        });
        if let Err(error) = knock.send().await {
            tracing::debug!(%error, "knocked at {}", stringify!($service));
        }
    }};
}

pub(crate) async fn connect_dynamodb(client: &aws_sdk_dynamodb::Client) {
    connect!(client.list_tables(), aws_sdk_dynamodb);
}

pub(crate) async fn connect_kms(client: &aws_sdk_kms::Client) {
    connect!(client.list_keys(), aws_sdk_kms);
}

pub(crate) async fn connect_lambda(client: &aws_sdk_lambda::Client) {
    connect!(client.list_functions(), aws_sdk_lambda);
}
