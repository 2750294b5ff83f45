//! The embedded store behind the AWS client, for tests: what stands in place of the network answers the client's
//! requests. So tests see the requests that a function sends on AWS, can make them fail, and need no server.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Builder, Credentials, HttpClient, Region};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use dynamodb::{DynamoDb, Image, bounded};
use dynoxide::Database;
use dynoxide::errors::DynoxideError;
use local::embedded::Embedded;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::Backend;

/// A client that speaks through this, to an endpoint of its own or to DynamoDB's, as a function's does on AWS.
pub fn client(through: impl HttpClient + 'static, endpoint: Option<String>) -> Client {
    let mut config = Builder::new()
        .http_client(through)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"));
    config.set_endpoint_url(endpoint);
    Client::from_conf(bounded(config).build())
}

/// The store's backend by the AWS client, through this.
pub fn backend(through: impl HttpClient + 'static) -> Arc<dyn Backend> {
    Arc::new(DynamoDb::by(client(through, None)))
}

/// The embedded store as it answers DynamoDB's requests.
#[derive(Debug, Clone)]
pub struct Connector(pub Embedded);

/// A put, as far as it matters for the stream.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    table_name: String,
    item: Image,
}

#[derive(Deserialize)]
struct Writes {
    #[serde(rename = "TransactItems")]
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(rename = "Put")]
    put: Option<Put>,
}

/// What a write puts. An error if it is none that could be right.
fn puts(operation: &str, body: &[u8]) -> serde_json::Result<Vec<Put>> {
    match operation {
        "PutItem" => Ok(vec![serde_json::from_slice(body)?]),
        "TransactWriteItems" => {
            let writes: Writes = serde_json::from_slice(body)?;
            Ok(writes.steps.into_iter().filter_map(|step| step.put).collect())
        }
        _ => Ok(vec![]),
    }
}

impl Connector {
    /// Answers a request: status and body.
    pub async fn answer(&self, operation: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let (named, sent) = (operation.to_owned(), body.to_vec());
        match self.0.run(move |database| dispatch(database, &named, &sent)).await {
            Ok(answer) => {
                let puts = puts(operation, body).unwrap_or_default();
                self.0.note(puts.into_iter().map(|put| (put.table_name.into(), put.item.0)));
                (200, answer)
            }
            Err(error) => (error.status_code(), error.to_json().into_bytes()),
        }
    }
}

fn dispatch(database: &Database, operation: &str, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
    fn run<I: DeserializeOwned, O: Serialize>(
        body: &[u8],
        operation: impl FnOnce(I) -> Result<O, DynoxideError>,
    ) -> Result<Vec<u8>, DynoxideError> {
        let request =
            serde_json::from_slice(body).map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
        let answer = operation(request)?;
        serde_json::to_vec(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
    }
    match operation {
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => run(body, |request| database.batch_write_item(request)),
        "CreateTable" => run(body, |request| database.create_table(request)),
        "GetItem" => run(body, |request| database.get_item(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "TransactWriteItems" => run(body, |request| database.transact_write_items(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        "UpdateTimeToLive" => run(body, |request| database.update_time_to_live(request)),
        other => Err(DynoxideError::ValidationException(format!("{other} is not used by SikkerKey"))),
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            let other = |text: &str| ConnectorError::other(text.into(), None);
            let operation = request.headers().get("x-amz-target").and_then(|target| target.split('.').nth(1));
            let operation = operation.ok_or_else(|| other("no operation named"))?;
            let body = request.body().bytes().ok_or_else(|| other("a streamed body"))?;
            let (status, body) = this.answer(operation, body).await;
            let status = status.try_into().map_err(|_| other("a status out of bounds"))?;
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
            Ok(response)
        })
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
