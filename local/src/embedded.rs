//! DynamoDB in this process: hands the AWS client's requests to dynoxide, without a network between.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use dynoxide::Database;
use dynoxide::errors::DynoxideError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// An embedded DynamoDB. Clones share it.
#[derive(Clone)]
pub struct Embedded {
    database: Database,
    /// Whether writes wait for a disk, and so belong on a thread that may wait.
    on_disk: bool,
    /// Rows put into audit tables since they were last taken: the stream of those tables.
    stream: Arc<Mutex<Vec<serde_dynamo::Item>>>,
}

/// A put, as far as it matters for the stream.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AuditPut {
    table_name: String,
    item: serde_dynamo::Item,
}

#[derive(Deserialize)]
struct Writes {
    #[serde(rename = "TransactItems")]
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(rename = "Put")]
    put: Option<AuditPut>,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Embedded")
    }
}

impl Embedded {
    /// In memory: gone with the process.
    pub fn in_memory() -> Result<Self, DynoxideError> {
        Ok(Self { database: Database::memory()?, on_disk: false, stream: Arc::default() })
    }

    /// In a SQLite file. What was acknowledged survives the process, and a power cut: each write is synced.
    pub fn in_file(path: &Path) -> Result<Self, DynoxideError> {
        Ok(Self { database: Database::new(&path.to_string_lossy())?, on_disk: true, stream: Arc::default() })
    }

    /// Drops rows whose TTL has passed, as DynamoDB does by itself. Says how many.
    pub fn sweep_ttl(&self) -> Result<usize, DynoxideError> {
        self.database.sweep_ttl()
    }

    /// Takes what was put into audit tables since the last time, as the stream of a table brings it on AWS. Whoever takes
    /// nothing lets it grow.
    pub fn take_stream(&self) -> Vec<serde_dynamo::Item> {
        std::mem::take(&mut self.stream.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes what a write put into audit tables.
    fn note(&self, operation: &str, body: &[u8]) {
        let puts: Vec<AuditPut> = match operation {
            "PutItem" => serde_json::from_slice(body).into_iter().collect(),
            "TransactWriteItems" => serde_json::from_slice(body)
                .map(|write: Writes| write.steps.into_iter().filter_map(|step| step.put).collect())
                .unwrap_or_default(),
            _ => return,
        };
        let rows = puts.into_iter().filter(|put| put.table_name.ends_with("-audit")).map(|put| put.item);
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).extend(rows);
    }

    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let other = |text: &str| ConnectorError::other(text.into(), None);
        let operation = request.headers().get("x-amz-target").and_then(|target| target.split('.').nth(1));
        let operation = operation.ok_or_else(|| other("no operation named"))?;
        let body = request.body().bytes().ok_or_else(|| other("a streamed body"))?;
        let (status, body) = match self.dispatch(operation, body) {
            Ok(answer) => {
                self.note(operation, body);
                (200, answer)
            }
            Err(error) => (error.status_code(), error.to_json().into_bytes()),
        };
        let status = status.try_into().map_err(|_| other("a status out of bounds"))?;
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
        Ok(response)
    }

    fn dispatch(&self, operation: &str, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
        fn run<I: DeserializeOwned, O: Serialize>(
            body: &[u8],
            operation: impl FnOnce(I) -> Result<O, DynoxideError>,
        ) -> Result<Vec<u8>, DynoxideError> {
            let request = serde_json::from_slice(body)
                .map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
            let answer = operation(request)?;
            serde_json::to_vec(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
        }
        let database = &self.database;
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
}

impl HttpConnector for Embedded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if !self.on_disk {
            // In memory an operation takes some tens of microseconds: less than handing it to another thread.
            return HttpConnectorFuture::ready(self.answer(&request));
        }
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            tokio::task::spawn_blocking(move || this.answer(&request))
                .await
                .unwrap_or_else(|error| Err(ConnectorError::other(error.into(), None)))
        })
    }
}

impl HttpClient for Embedded {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
