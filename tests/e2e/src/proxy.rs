//! A proxy before the store: writes down every call, and makes the ones that a test picks go wrong.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use local::embedded::Embedded;
use serde_json::Value;
use store::backend::{
    Backend, Got, KeysByTable, Page, PrimaryKey, PutItem, Query, Reason, TableName, TransactItem, UpdateItem,
    WriteError,
};
use store::tables::TableSpec;
use store::{Item, StoreError};

use crate::rights;

/// The only operation that another one can be in the way of.
const TRANSACTION: &str = "TransactWriteItems";

/// One attempt of one call.
#[derive(Debug, Clone)]
pub struct Call {
    /// `PutItem` and so on.
    pub operation: String,
    /// The request.
    pub body: Value,
}

impl Call {
    /// How many rows a `BatchGetItem` asked for.
    ///
    /// # Panics
    ///
    /// When it is another operation.
    #[must_use]
    pub fn rows(&self) -> usize {
        let tables = self.body["RequestItems"].as_object().expect("a BatchGetItem");
        tables.values().map(|table| table["Keys"].as_array().expect("keys").len()).sum()
    }
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The store answers with an internal error.
    Error,
    /// The store refuses for load.
    Throttle,
    /// The answer takes five seconds.
    Delay,
    /// The call takes effect, but its answer is lost.
    LostAnswer,
    /// Another transaction is in the way. The embedded store never says so by itself.
    Conflict,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Error, Self::Throttle, Self::Delay, Self::LostAnswer, Self::Conflict];
}

/// Which call goes wrong: its number from when the plan was made, and whether all its attempts do or the first only.
#[derive(Debug, Clone)]
struct Plan {
    nth: usize,
    fault: Fault,
    every_attempt: bool,
    /// The calls seen so far, each once for all its attempts.
    seen: Vec<String>,
    spent: bool,
}

#[derive(Debug)]
struct Inner {
    store: SharedHttpClient,
    calls: Mutex<Vec<Call>>,
    plan: Mutex<Option<Plan>>,
    interleaved: AtomicBool,
    /// Typed calls so far.
    typed: AtomicUsize,
}

/// The proxy. Clones share it.
#[derive(Debug, Clone)]
pub struct Proxy {
    inner: Arc<Inner>,
    /// The function whose calls come this way, if one's do.
    function: Option<&'static str>,
}

impl Proxy {
    /// Before this store.
    pub fn new(store: impl HttpClient + 'static) -> Self {
        let inner = Inner {
            store: SharedHttpClient::new(store),
            calls: Mutex::default(),
            plan: Mutex::default(),
            interleaved: AtomicBool::new(false),
            typed: AtomicUsize::new(0),
        };
        Self { inner: Arc::new(inner), function: None }
    }

    /// The same proxy for the calls of one function, which are written down as rights it needs.
    pub fn of(&self, function: &'static str) -> Self {
        Self { inner: self.inner.clone(), function: Some(function) }
    }

    /// Forgets what was written down.
    pub fn forget(&self) {
        self.inner.calls.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The attempts since the last [`Proxy::forget`].
    pub fn calls(&self) -> Vec<Call> {
        self.inner.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Their operations.
    pub fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.operation).collect()
    }

    /// Lets others have their turn between any two calls, as on a network: without this there are hardly any races. Not
    /// for tests in which the time stands still, where giving way would let it run.
    pub fn interleave(&self) {
        self.inner.interleaved.store(true, Ordering::Relaxed);
    }

    /// Makes the nth call from now go wrong: all its attempts, or only the first.
    pub fn fail(&self, nth: usize, fault: Fault, every_attempt: bool) {
        let plan = Plan { nth, fault, every_attempt, seen: vec![], spent: false };
        *self.inner.plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(plan);
    }

    /// Ends the plan.
    pub fn heal(&self) {
        *self.inner.plan.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Writes a typed call down, and gives way to others if they are to have their turn. An error if the call is to fail;
    /// otherwise whether its answer is to be lost.
    ///
    /// A typed call is one attempt. So of a plan whose first attempt alone goes wrong nothing is seen.
    async fn typed(&self, operation: &str) -> Result<bool, WriteError> {
        let number = {
            let mut calls = self.inner.calls.lock().unwrap_or_else(PoisonError::into_inner);
            calls.push(Call { operation: operation.to_owned(), body: Value::Null });
            self.inner.typed.fetch_add(1, Ordering::Relaxed)
        };
        if self.inner.interleaved.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        match self.fault(&number.to_string(), operation).filter(|(_, every_attempt)| *every_attempt) {
            None => Ok(false),
            Some((Fault::LostAnswer, _)) => Ok(true),
            Some((Fault::Conflict, _)) if operation == TRANSACTION => {
                Err(WriteError::Cancelled(vec![Some(Reason::Conflict)], "made by a test".to_owned()))
            }
            Some(_) => Err(StoreError::Unavailable("made by a test".to_owned()).into()),
        }
    }

    /// What is to go wrong with this call, and whether with all its attempts.
    fn fault(&self, call: &str, operation: &str) -> Option<(Fault, bool)> {
        let mut plan = self.inner.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = plan.as_mut()?;
        let number = plan.seen.iter().position(|seen| seen == call).unwrap_or_else(|| {
            plan.seen.push(call.to_owned());
            plan.seen.len() - 1
        });
        // A transaction that met a conflict is sent again as a new call.
        let again =
            plan.fault == Fault::Conflict && plan.every_attempt && number > plan.nth && operation == TRANSACTION;
        if (number != plan.nth && !again) || (plan.spent && !plan.every_attempt) {
            return None;
        }
        plan.spent = true;
        Some((plan.fault, plan.every_attempt))
    }
}

fn answer(status: u16, kind: &str) -> HttpResponse {
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{kind}","message":"made by a test"}}"#);
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

fn conflict() -> HttpResponse {
    let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"made by a test",
                   "CancellationReasons":[{"Code":"TransactionConflict","Message":"made by a test"}]}"#;
    let mut response = HttpResponse::new(400_u16.try_into().unwrap(), SdkBody::from(body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

/// The proxy with a way on to the store.
#[derive(Debug)]
struct Connector {
    proxy: Proxy,
    store: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let inner = &self.proxy.inner;
        let operation = request.headers().get("x-amz-target").and_then(|t| t.split('.').nth(1)).unwrap_or_default();
        let body = request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
        if let Some(function) = self.proxy.function {
            rights::store_call(function, operation, &body);
        }
        let call = Call { operation: operation.to_owned(), body };
        inner.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        // The client sends the same id with every attempt of a call.
        let id = request.headers().get("amz-sdk-invocation-id").unwrap_or_default();
        let fault = self.proxy.fault(id, operation).map(|(fault, _)| fault);
        let store = self.store.clone();
        let interleaved = inner.interleaved.load(Ordering::Relaxed);
        HttpConnectorFuture::new(async move {
            if interleaved {
                tokio::task::yield_now().await;
            }
            match fault {
                None => store.call(request).await,
                Some(Fault::Error) => Ok(answer(500, "InternalServerError")),
                Some(Fault::Throttle) => Ok(answer(400, "ProvisionedThroughputExceededException")),
                Some(Fault::Delay) => {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                    store.call(request).await
                }
                Some(Fault::Conflict) => Ok(conflict()),
                Some(Fault::LostAnswer) => {
                    store.call(request).await?;
                    Err(ConnectorError::io("the answer was lost".into()))
                }
            }
        })
    }
}

impl HttpClient for Proxy {
    fn http_connector(&self, settings: &HttpConnectorSettings, runtime: &RuntimeComponents) -> SharedHttpConnector {
        let store = self.inner.store.http_connector(settings, runtime);
        SharedHttpConnector::new(Connector { proxy: self.clone(), store })
    }
}

/// The embedded store by its own types, behind the proxy.
pub(crate) struct Typed {
    pub(crate) proxy: Proxy,
    pub(crate) embedded: Embedded,
}

/// The answer, unless it was lost.
fn unless_lost<T, E: From<StoreError>>(lost: bool, answer: Result<T, E>) -> Result<T, E> {
    answer.and_then(
        |answer| if lost { Err(StoreError::Unavailable("made by a test".to_owned()).into()) } else { Ok(answer) },
    )
}

#[async_trait]
impl Backend for Typed {
    async fn create_table(&self, table: &TableSpec) -> Result<(), StoreError> {
        self.embedded.create_table(table).await
    }

    async fn get(&self, table: &TableName, key: PrimaryKey) -> Result<Option<Item>, StoreError> {
        let lost = self.proxy.typed("GetItem").await?;
        unless_lost(lost, self.embedded.get(table, key).await)
    }

    async fn batch_get(&self, keys: KeysByTable) -> Result<Got, StoreError> {
        let lost = self.proxy.typed("BatchGetItem").await?;
        unless_lost(lost, self.embedded.batch_get(keys).await)
    }

    async fn query(&self, table: &TableName, query: Query) -> Result<Page, StoreError> {
        let lost = self.proxy.typed("Query").await?;
        unless_lost(lost, self.embedded.query(table, query).await)
    }

    async fn put(&self, put: PutItem) -> Result<(), WriteError> {
        let lost = self.proxy.typed("PutItem").await?;
        unless_lost(lost, self.embedded.put(put).await)
    }

    async fn update(&self, change: UpdateItem) -> Result<Option<Item>, WriteError> {
        let lost = self.proxy.typed("UpdateItem").await?;
        unless_lost(lost, self.embedded.update(change).await)
    }

    async fn transact(&self, steps: Vec<TransactItem>) -> Result<(), WriteError> {
        let lost = self.proxy.typed(TRANSACTION).await?;
        unless_lost(lost, self.embedded.transact(steps).await)
    }
}
