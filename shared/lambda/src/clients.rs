//! The AWS clients of a function, and their connections.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use dynamodb::bounded;

/// Longest that opening a connection may take at the start. The first request would have to wait for it too.
const CONNECT: Duration = Duration::from_secs(1);

/// A variable is not there that says where AWS is and who calls it. On Lambda they are always there.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {0} is missing")]
pub struct NotOnAws(&'static str);

/// What the clients are made from: the environment, as Lambda gives it to a function, and nothing else.
pub struct Aws {
    shared: SdkConfig,
    /// Of emulators, by the service's name in the variable.
    endpoints: BTreeMap<&'static str, String>,
}

impl Aws {
    /// Region, credentials and, for emulators, endpoints.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, NotOnAws> {
        let required = |name| lookup(name).ok_or(NotOnAws(name));
        let (id, secret) = (required("AWS_ACCESS_KEY_ID")?, required("AWS_SECRET_ACCESS_KEY")?);
        let credentials = Credentials::new(id, secret, lookup("AWS_SESSION_TOKEN"), None, "environment");
        let shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(required("AWS_REGION")?))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let endpoint = |service| Some((service, lookup(&format!("AWS_ENDPOINT_URL_{service}"))?));
        let endpoints = ["DYNAMODB", "KMS", "LAMBDA", "SESV2"].into_iter().filter_map(endpoint).collect();
        Ok(Self { shared, endpoints })
    }

    /// What the client of any service is made from.
    #[must_use]
    pub fn shared(&self) -> &SdkConfig {
        &self.shared
    }

    /// The endpoint of an emulator, if this service has one.
    #[must_use]
    pub fn endpoint(&self, service: &str) -> Option<String> {
        self.endpoints.get(service).cloned()
    }

    /// The client of the tables.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.shared);
        config.set_endpoint_url(self.endpoint("DYNAMODB"));
        aws_sdk_dynamodb::Client::from_conf(bounded(config).build())
    }

    /// A client that sends no message twice.
    pub(crate) fn lambda(&self) -> aws_sdk_lambda::Client {
        let mut config = aws_sdk_lambda::config::Builder::from(&self.shared)
            .timeout_config(TimeoutConfig::builder().operation_timeout(edge::seal::WAIT).build())
            .retry_config(RetryConfig::disabled());
        config.set_endpoint_url(self.endpoint("LAMBDA"));
        aws_sdk_lambda::Client::from_conf(config.build())
    }
}

/// How long and how often a connection is tried.
#[must_use]
pub fn once() -> (RetryConfig, TimeoutConfig) {
    (RetryConfig::disabled(), TimeoutConfig::builder().operation_timeout(CONNECT).build())
}

/// Scheme and host of a URI.
fn origin(uri: &str) -> String {
    uri.split('/').take(3).collect::<Vec<_>>().join("/")
}

/// Makes any request a `GET /`.
pub fn knock(request: &mut HttpRequest) {
    let uri = origin(request.uri()) + "/";
    let _ = request.set_method("GET");
    let _ = request.set_uri(uri);
    *request.body_mut() = SdkBody::empty();
    for header in ["x-amz-target", "content-type", "content-length"] {
        request.headers_mut().remove(header);
    }
}

/// Opens a connection with any request, which is sent as a `GET /`: the services answer it without looking at rights, and
/// the connection stays open for the first real request. What they answer does not matter.
#[macro_export]
macro_rules! connect {
    ($call:expr, $service:ident) => {{
        let (retries, timeouts) = $crate::once();
        let config = $service::config::Builder::new().retry_config(retries).timeout_config(timeouts);
        let knock = $call.customize().config_override(config).mutate_request($crate::knock);
        if let Err(error) = knock.send().await {
            tracing::debug!(%error, "knocked at {}", stringify!($service));
        }
    }};
}

pub(crate) async fn connect_dynamodb(client: &aws_sdk_dynamodb::Client) {
    connect!(client.list_tables(), aws_sdk_dynamodb);
}

pub(crate) async fn connect_lambda(client: &aws_sdk_lambda::Client) {
    connect!(client.list_functions(), aws_sdk_lambda);
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn aws() -> Aws {
        let set = |name: &str| match name {
            "AWS_REGION" => Some("eu-central-1".to_owned()),
            "AWS_ENDPOINT_URL_DYNAMODB" | "AWS_ENDPOINT_URL_LAMBDA" => {
                // Nobody listens there.
                Some("http://127.0.0.1:1".to_owned())
            }
            name => Some(name.to_lowercase()),
        };
        Aws::from_environment(set).unwrap()
    }

    #[test]
    fn what_lambda_sets_is_required() {
        let missing = |left_out: &str| {
            let lookup = |name: &str| (name != left_out).then(|| name.to_owned());
            Aws::from_environment(lookup).err().map(|missing| missing.to_string())
        };
        for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            assert_eq!(missing(name).unwrap(), format!("the environment variable {name} is missing"));
        }
        assert_eq!(missing("AWS_SESSION_TOKEN"), None);
    }

    /// A service that is away does not keep a function from starting.
    #[tokio::test]
    async fn knocking_in_vain_is_no_error() {
        connect_dynamodb(&aws().dynamodb()).await;
        connect_lambda(&aws().lambda()).await;
    }

    /// What goes over the wire is a request without a body, and the connection serves the next request.
    #[tokio::test]
    async fn the_first_request_finds_the_connection_open() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let set = |name: &str| match name {
            "AWS_ENDPOINT_URL_DYNAMODB" => Some(endpoint.clone()),
            "AWS_REGION" => Some("eu-central-1".to_owned()),
            name => Some(name.to_lowercase()),
        };
        let client = Aws::from_environment(set).unwrap().dynamodb();
        let server = tokio::spawn(async move {
            // One connection is all there is.
            let (mut connection, _) = listener.accept().await.unwrap();
            drop(listener);
            let mut heads = vec![];
            for answer in ["healthy", r#"{"TableNames":[]}"#] {
                let mut head = String::new();
                while !head.contains("\r\n\r\n") {
                    let mut bytes = [0; 4096];
                    let read = connection.read(&mut bytes).await.unwrap();
                    head.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
                }
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
                connection.write_all(answer.as_bytes()).await.unwrap();
                heads.push(head);
            }
            heads
        });
        connect_dynamodb(&client).await;
        client.list_tables().send().await.unwrap();
        let heads = server.await.unwrap();
        assert!(heads[0].starts_with("GET / HTTP/1.1\r\n"), "{}", heads[0]);
        for header in ["content-length", "content-type", "x-amz-target", "transfer-encoding"] {
            assert!(!heads[0].to_lowercase().contains(&format!("\n{header}:")), "{}", heads[0]);
        }
        assert!(heads[1].starts_with("POST / HTTP/1.1\r\n"), "{}", heads[1]);
    }

    #[test]
    fn an_origin_is_scheme_and_host() {
        assert_eq!(
            origin("https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/"),
            "https://lambda.eu-central-1.amazonaws.com"
        );
        assert_eq!(origin("http://localhost:8000/"), "http://localhost:8000");
    }
}
