//! The whole system in one process on an embedded store: for development and for trying SikkerKey out.
//!
//! The functions are the same as on AWS; [`embedded`] stands in for DynamoDB, a key file for KMS, and [`serve`] for
//! API Gateway and the schedules. No Java, no Docker, no AWS account.

pub mod embedded;
pub mod folder;
pub mod outbox;
mod server;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use edge::answer::{File, Text};
use edge::seal::Seal;
use edge::{
    Base, Clock, Code, Config, Courier, DeliveryRequest, Error, MailQueue, RequestId, Routes, SESSION_COOKIE,
    SourceAddress, Telemetry,
};
use functions::Place;
use functions::deliver_webhooks::{DeliverWebhooks, SystemNames};
use functions::follow_audit::FollowAudit;
use functions::seal_secret::SealSecret;
use functions::send_mail::SendMail;
use http::{HeaderValue, header};
use outbox::{Direct, Outbox};
use rules::nouns::WebhookId;
use store::{Backend, Item, KeyLayer, KeyRing, Store, StoreError, Values, tables};

pub use server::{Running, serve};

/// The cookie that holds a session's token in local mode.
const LOCAL_COOKIE: &str = "sikkerkey-local";

/// What the system is put together from.
pub struct Parts {
    /// The store: an [`embedded::Embedded`], or in tests a client that speaks to one.
    pub backend: Arc<dyn Backend>,
    /// The server key layer.
    pub key_layer: Arc<dyn KeyLayer>,
    /// The clock.
    pub clock: Clock,
    /// Configuration.
    pub config: Config,
}

/// The system's parts, put together. Everything is there for every function: in one process nothing keeps them apart.
#[derive(Clone)]
pub struct System {
    /// What every function is given.
    pub base: Base,
    /// The right to name values.
    pub values: Values,
    /// Keys.
    pub keys: KeyRing,
    /// Where mails go.
    pub outbox: Outbox,
    /// What delivers to webhooks.
    pub deliver: DeliverWebhooks,
}

impl Parts {
    /// Puts the parts together and makes the tables that are not there.
    pub async fn assemble(self) -> Result<System, StoreError> {
        tables::create_missing(&*self.backend, &self.config.table_prefix).await?;
        let (store, values) = Store::new(self.backend, &self.config.table_prefix);
        let keys = KeyRing::new(self.key_layer, self.config.key_cache_seconds);
        let base = Base { config: Arc::new(self.config), store, clock: self.clock };
        let deliver = DeliverWebhooks::new(&base, keys.clone(), Arc::new(SystemNames));
        let deliver = deliver.map_err(StoreError::Unavailable)?;
        Ok(System { base, values, keys, outbox: Outbox::default(), deliver })
    }
}

impl Place for System {
    fn base(&self, _: &'static str) -> Base {
        self.base.clone()
    }

    fn values(&self, _: &'static str) -> Values {
        self.values.clone()
    }

    fn keys(&self, _: &'static str) -> KeyRing {
        self.keys.clone()
    }

    fn seal(&self, _: &'static str) -> Seal {
        Seal::by(SealSecret::new(&self.base, self.values.clone(), self.keys.clone()))
    }

    fn courier(&self, _: &'static str) -> Arc<dyn Courier> {
        Arc::new(Nearby(self.deliver.clone()))
    }

    fn mail(&self, _: &'static str) -> Arc<dyn MailQueue> {
        Arc::new(Direct(SendMail::new(&self.base, Arc::new(self.outbox.clone()))))
    }
}

/// Every function's routes, and local mode's own.
#[must_use]
pub fn functions(place: &impl Place) -> Vec<Routes> {
    let mut all = functions::routes(place);
    all.push(Routes::of("local").get("/", welcome));
    all
}

/// All of them in one router, behind what stands in for the gateway.
pub fn gateway(functions: Vec<Routes>, telemetry: &Telemetry) -> Router {
    Routes::into_router(functions, telemetry).layer(middleware::from_fn(by_listener))
}

/// The whole system as one router.
pub fn router(system: &System) -> Router {
    let mut all = functions(system);
    all.push(system.outbox.clone().routes());
    gateway(all, &Telemetry::new(&system.base))
}

/// The same for a browser of this computer and nobody else: a page of another site that has its own name lead here
/// (DNS rebinding) is answered nothing.
pub fn guarded(router: Router, port: u16) -> Router {
    let own = [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")];
    let check = move |request: Request, next: Next| {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let is_own = host.is_some_and(|host| own.iter().any(|own| own.eq_ignore_ascii_case(host)));
        async move {
            if is_own {
                return next.run(request).await;
            }
            let text = format!("This server is for this computer alone: ask for http://localhost:{port}");
            Error::new(Code::HostRefused, text).into_response()
        }
    };
    router.layer(middleware::from_fn(check)).layer(middleware::from_fn(over_http))
}

/// The session's cookie as clients keep it over http: many drop one that is Secure, and its prefix demands that. With both
/// names it is taken; the cookie that is set has the other name and is not Secure.
async fn over_http(mut request: Request, next: Next) -> Response {
    let cookies = request.headers().get(header::COOKIE).and_then(|cookies| cookies.to_str().ok());
    if let Some(cookies) =
        cookies.map(|cookies| cookies.replace(&format!("{LOCAL_COOKIE}="), &format!("{SESSION_COOKIE}=")))
        && let Ok(cookies) = HeaderValue::try_from(cookies)
    {
        request.headers_mut().insert(header::COOKIE, cookies);
    }
    let mut response = next.run(request).await;
    let set = response.headers().get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
    if let Some(set) = set.and_then(|set| set.strip_prefix(SESSION_COOKIE))
        && let Ok(mut cookie) = HeaderValue::try_from(format!("{LOCAL_COOKIE}{}", set.replace("; Secure", "")))
    {
        cookie.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Gives what was put into the audit table to the function that follows it.
pub async fn follow(stream: Vec<Item>, counts: &FollowAudit) -> Result<usize, Error> {
    let written = store::audit::records(stream)?.into_iter().map(store::audit::Seen::Written);
    counts.run(&written.collect::<Vec<_>>()).await
}

/// `deliver-webhooks` in this process. Nobody waits for deliveries.
struct Nearby(DeliverWebhooks);

#[async_trait]
impl Courier for Nearby {
    async fn check(&self, url: &str) -> Result<(), Error> {
        self.0.answer(&DeliveryRequest::Check { url: url.to_owned() }).await.map(drop)
    }

    async fn wake(&self, webhooks: Vec<WebhookId>) {
        let deliver = self.0.clone();
        tokio::spawn(async move {
            if let Err(error) = deliver.answer(&DeliveryRequest::Now { webhooks }).await {
                tracing::error!(?error, "deliveries wait for the next minute");
            }
        });
    }
}

async fn welcome() -> File<Text> {
    File::fixed(
        "SikkerKey in local mode, for development and trying out.\n\
         There is no web page here yet; the README shows how to use the API. Mails are at
         the address that was printed at the start.\n",
    )
}

/// The gateway's part: the address comes from the connection and from nothing that the client wrote; each request gets
/// an id.
async fn by_listener(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(RequestId(hex::encode(crypto::random::bytes::<8>())));
    if let Some(peer) = request.extensions().get::<axum::extract::ConnectInfo<std::net::SocketAddr>>() {
        let source = SourceAddress::new(peer.0.ip());
        request.extensions_mut().insert(source);
    }
    next.run(request).await
}
