//! The whole system in one process on an embedded store: for development and for trying SikkerKey out.
//!
//! The functions are the same as on AWS; [`embedded`] stands in for DynamoDB, a key file for KMS, and [`serve`] for
//! API Gateway and the schedules. No Java, no Docker, no AWS account.

pub mod embedded;
pub mod outbox;
mod server;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use count_reads::CountReads;
use edge::answer::{File, Text};
use edge::seal::Seal;
use edge::{Clock, Config, Error, MailQueue, RequestId, Routes, Services, SourceAddress, Telemetry};
use outbox::{Direct, Outbox};
use seal_secret::SealSecret;
use send_mail::SendMail;
use store::{Backend, Item, KeyLayer, Keys, Store, StoreError, tables};

pub use server::{Running, serve};

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

impl Parts {
    /// Puts the services together and makes the tables that are not there.
    pub async fn assemble(self) -> Result<Services, StoreError> {
        tables::create_missing(&*self.backend, &self.config.table_prefix).await?;
        let (store, values) = Store::new(self.backend, &self.config.table_prefix);
        Ok(Services {
            store,
            values,
            keys: Keys::new(self.key_layer, self.config.key_cache_seconds),
            clock: self.clock,
            config: Arc::new(self.config),
        })
    }
}

/// Every function's routes. Which services and which way to `seal-secret` and `send-mail` a function is given is asked by
/// its name.
#[must_use]
pub fn functions(
    services: &impl Fn(&'static str) -> Services,
    seal: &impl Fn(&'static str) -> Seal,
    mail: &impl Fn(&'static str) -> Arc<dyn MailQueue>,
) -> Vec<Routes> {
    vec![
        read_secret::routes(&services("read-secret")),
        export_secrets::routes(&services("export-secrets")),
        list_secrets::routes(&services("list-secrets")),
        poll_secrets::routes(&services("poll-secrets")),
        bootstrap_machine::routes(&services("bootstrap-machine")),
        enroll_machine::routes(&services("enroll-machine")),
        download_bundle::routes(&services("download-bundle")),
        account::routes(&services("account")),
        account_mail::routes(&services("account-mail"), mail("account-mail")),
        account_passkeys::routes(&services("account-passkeys")),
        bootstrap_agent::routes(&services("bootstrap-agent")),
        manage_agents::routes(&services("manage-agents")),
        manage_projects::routes(&services("manage-projects")),
        manage_secrets::routes(&services("manage-secrets"), seal("manage-secrets")),
        manage_machines::routes(&services("manage-machines")),
        make_bundle::routes(&services("make-bundle"), seal("make-bundle")),
        manage_audit::routes(&services("manage-audit")),
        dashboard::routes(&services("dashboard")),
        Routes::of("local").get("/", welcome),
    ]
}

/// All of them in one router, behind what stands in for the gateway.
pub fn gateway(functions: Vec<Routes>, telemetry: &Telemetry) -> Router {
    Routes::into_router(functions, telemetry).layer(middleware::from_fn(by_listener))
}

/// `seal-secret` in this process.
pub fn seal(services: &Services) -> Seal {
    Seal::by(SealSecret::new(services))
}

/// `send-mail` in this process, with this outbox for the mails.
pub fn mail(services: &Services, outbox: &Outbox) -> Arc<dyn MailQueue> {
    Arc::new(Direct(SendMail::new(services, Arc::new(outbox.clone()))))
}

/// The whole system as one router.
pub fn router(services: &Services) -> Router {
    let (seal, outbox) = (seal(services), Outbox::default());
    let mail = mail(services, &outbox);
    let mut all = functions(&|_| services.clone(), &|_| seal.clone(), &|_| mail.clone());
    all.push(outbox.routes());
    gateway(all, &Telemetry::new(services))
}

/// Gives what was put into the audit table to the function that follows it.
pub async fn follow(stream: Vec<Item>, counts: &CountReads) -> Result<usize, Error> {
    let records = stream.into_iter().filter_map(|row| store::stats::record_of(row).transpose());
    counts.run(&records.collect::<Result<Vec<_>, _>>()?).await
}

async fn welcome() -> File<Text> {
    File::fixed(
        "SikkerKey in local mode, for development and trying out.\n\
         There is no web page here yet; the README shows how to use the API. Mails are at /outbox.\n",
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
