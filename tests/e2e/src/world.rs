//! The system, and how tests speak to it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use axum::Router;
use edge::seal::{Carrier, Message, Remote, Reply, Seal};
use edge::{Base, Clock, Config, Courier, DeliveryRequest, Error, MailQueue, Route, Telemetry};
use functions::Place;
use functions::deliver_webhooks::{DeliverWebhooks, Names};
use functions::follow_audit::FollowAudit;
use functions::rotate_due::RotateDue;
use functions::seal_secret::SealSecret;
use functions::sweep_expired::Sweep;
use local::embedded::Embedded;
use protocol::VaultId;
use rules::Time;
use rules::audit::{Action, Record};
use rules::nouns::WebhookId;
use rules::plan::Plans;
use store::{Item, KeyRing, Store, Values, tables};
use zeroize::Zeroizing;

use crate::contract::Contract;
use crate::keys::FunctionKeys;
use crate::request::{Answer, Request, send};
use crate::values::KnownValues;
use crate::{Person, Proxy, TestKeys, TestMail, gateway, logs, mail, place, rights};

/// Where the test's clock starts: some day in 2027.
const START: Time = Time::from_ms(1_800_000_000_000);
/// Our own address, as configured.
pub(crate) const URL: &str = "http://localhost:8080";

/// What can be different about a world.
#[derive(Default)]
pub struct Options {
    /// Anybody may sign up.
    pub open_sign_up: bool,
    /// The SHA-256 of the code that the first account has to show.
    pub set_up_code_hash: Option<String>,
    /// The deployment's plans, as JSON.
    pub plans: Option<&'static str>,
    /// The name of the plan of new vaults.
    pub default_plan: Option<String>,
    /// Failures that lock an address out; ten unless given.
    pub lockout_failures: Option<usize>,
    /// How long unwrapped keys are kept; 300 s unless given.
    pub key_cache_seconds: Option<u64>,
    /// Webhooks may be on this computer.
    pub loopback_webhooks: bool,
}

/// What a test looks into the system by.
#[derive(Clone)]
pub struct Services {
    pub store: Store,
    pub values: Values,
    pub keys: KeyRing,
    pub clock: Clock,
    pub config: Arc<Config>,
}

impl Services {
    /// Does with the keys what a function that opens values does at its start.
    pub async fn prepare(&self) {
        self.base().prepare(&self.keys).await;
    }

    /// What every function is given.
    pub fn base(&self) -> Base {
        Base { config: self.config.clone(), store: self.store.clone(), clock: self.clock.clone() }
    }
}

/// The whole system.
pub struct World {
    /// Its router.
    pub router: Router,
    /// What a test needs to look into it.
    pub services: Services,
    /// What stands before its store.
    pub store: Proxy,
    /// The store itself, if it is in this process.
    embedded: Option<Embedded>,
    /// Its key layer.
    pub keys: Arc<TestKeys>,
    /// Its outbox.
    pub mail: Arc<TestMail>,
    /// The values that no plane of management may show.
    values: Arc<KnownValues>,
    /// The clock that tests move; nothing when the functions are elsewhere and the time is real.
    clock: Option<Arc<AtomicU64>>,
}

/// Messages to `seal-secret` in this process, made and read as if it were another.
struct Messages {
    from: &'static str,
    seal: SealSecret,
    clock: Clock,
}

#[async_trait]
impl Carrier for Messages {
    async fn carry(&self, message: Zeroizing<Vec<u8>>) -> Result<Vec<u8>, Error> {
        rights::invocation(self.from, "seal-secret");
        let message: Message = serde_json::from_slice(&message).unwrap();
        let done = message.perform(&self.seal, &self.clock).await;
        Ok(serde_json::to_vec(&Reply::from(done)).unwrap())
    }
}

/// Requests of a function to `deliver-webhooks`, made and read as if it were another process. Nothing is sent before a test
/// runs the schedule.
struct Wake {
    from: &'static str,
    deliver: DeliverWebhooks,
}

#[async_trait]
impl Courier for Wake {
    async fn check(&self, url: &str) -> Result<(), Error> {
        rights::invocation(self.from, "deliver-webhooks");
        let message = serde_json::to_vec(&DeliveryRequest::Check { url: url.to_owned() }).unwrap();
        let done = self.deliver.answer(&serde_json::from_slice(&message).unwrap()).await;
        let reply = serde_json::to_vec(&Reply::from(done)).unwrap();
        Result::from(serde_json::from_slice::<Reply>(&reply).unwrap()).map(drop)
    }

    async fn wake(&self, _: Vec<WebhookId>) {
        rights::invocation(self.from, "deliver-webhooks");
    }
}

/// Every name is that of a public address. Nobody connects to it.
struct PublicNames;

#[async_trait]
impl Names for PublicNames {
    async fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::from([93, 184, 215, 14])])
    }
}

impl World {
    /// An empty one.
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    /// An empty one that is different.
    pub async fn with(options: Options) -> Self {
        logs::capture();
        let elsewhere = place::functions();
        let mut config = Config::at(URL.to_owned());
        let table_prefix = elsewhere.as_ref().map(|functions| functions.table_prefix.clone());
        if let Some(prefix) = table_prefix.or_else(place::table_prefix) {
            config.table_prefix = prefix;
        }
        config.open_sign_up = options.open_sign_up;
        config.set_up_code_hash = options.set_up_code_hash;
        config.plans = options.plans.map_or_else(Plans::default, |json| Plans::parse(json).unwrap());
        config.default_plan = options.default_plan;
        config.loopback_webhooks = options.loopback_webhooks;
        config.lockout.failures = options.lockout_failures.unwrap_or(config.lockout.failures);
        config.key_cache_seconds = options.key_cache_seconds.unwrap_or(config.key_cache_seconds);

        let ((proxy, embedded), keys) = (place::store(), Arc::new(TestKeys::default()));
        let backend = place::backend(proxy.clone(), embedded.as_ref());
        let clock = if elsewhere.is_none() {
            tables::create_missing(&*backend, &config.table_prefix).await.unwrap();
            Some(Arc::new(AtomicU64::new(START.ms())))
        } else {
            None
        };
        let (store, values) = Store::new(backend, &config.table_prefix);
        let services = Services {
            store,
            values,
            keys: KeyRing::new(keys.clone(), config.key_cache_seconds),
            clock: clock.clone().map_or(Clock::System, Clock::Manual),
            config: Arc::new(config),
        };
        let world = Self {
            router: Router::new(),
            services,
            store: proxy,
            embedded,
            keys,
            mail: Arc::default(),
            values: Arc::default(),
            clock,
        };
        let router = match elsewhere {
            Some(functions) => gateway::to_functions(&functions.client, &functions.name_prefix),
            None => world.in_this_process(),
        };
        Self { router, ..world }
    }

    /// The services of one function: what it does with them is written down as rights it needs.
    pub fn services_of(&self, function: &'static str) -> Services {
        let backend = place::backend(self.store.of(function), self.embedded.as_ref());
        let (store, values) = Store::new(backend, &self.services.config.table_prefix);
        let layer = Arc::new(FunctionKeys { function, layer: self.keys.clone() });
        let keys = KeyRing::new(layer, self.services.config.key_cache_seconds);
        Services { store, values, keys, ..self.services.clone() }
    }

    /// The functions, with their routes.
    pub fn functions(&self) -> Vec<edge::Routes> {
        local::functions(self)
    }

    fn in_this_process(&self) -> Router {
        local::gateway(self.functions(), &Telemetry::new(&self.services.base()))
    }

    /// Every route there is.
    pub fn routes(&self) -> Vec<Route> {
        self.functions().iter().flat_map(edge::Routes::table).cloned().collect()
    }

    /// A second instance of the functions over the same store, with memories of its own: another process.
    pub fn another_process(&self) -> Self {
        let router = if self.clock.is_some() { self.in_this_process() } else { self.router.clone() };
        Self {
            router,
            services: self.services.clone(),
            store: self.store.clone(),
            embedded: self.embedded.clone(),
            keys: self.keys.clone(),
            mail: self.mail.clone(),
            values: self.values.clone(),
            clock: self.clock.clone(),
        }
    }

    /// The time.
    pub fn now(&self) -> Time {
        self.services.clock.now()
    }

    /// Lets time pass.
    pub fn wait_seconds(&self, seconds: u64) {
        let clock = self.clock.as_ref().expect("this test moves the clock, which is real here; skip it");
        clock.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    /// Whether the test moves the clock: not where the functions are elsewhere.
    pub fn has_own_clock(&self) -> bool {
        self.clock.is_some()
    }

    /// Checks that this was just now: to the millisecond by the test's clock, to the minute by the real one.
    #[track_caller]
    pub fn assert_now(&self, time: Time) {
        let (now, slack_seconds) = (self.now(), if self.has_own_clock() { 0 } else { 60 });
        assert!((now.minus_seconds(slack_seconds)..=now).contains(&time), "{time:?} is not now, {now:?}");
    }

    /// Checks which calls were made since the store's proxy was told to forget. Those of functions that are elsewhere
    /// are not seen.
    #[track_caller]
    pub fn assert_calls(&self, expected: &[&str]) {
        if self.has_own_clock() {
            assert_eq!(self.store.operations(), expected);
        }
    }

    /// Sends a request, a millisecond after the one before. What the planes of management answer is searched for every
    /// value that was stored or read in this world so far: none may ever be in it. What is answered, and what is taken, is
    /// held against the OpenAPI document.
    pub async fn send(&self, request: Request) -> Answer {
        if let Some(clock) = &self.clock {
            clock.fetch_add(1, Ordering::SeqCst);
        }
        let answer = send(self.router.clone(), request.clone()).await;
        self.values.check(&request.target, &request.body, &answer);
        Contract::of(|| self.functions()).check(&request, &answer);
        answer
    }

    /// An address like this one that nobody has yet: worlds whose functions are elsewhere share their people.
    pub(crate) fn email(&self, like: &str) -> String {
        match self.clock {
            Some(_) => like.to_owned(),
            None => format!("{}-{like}", hex::encode(crypto::random::bytes::<6>())),
        }
    }

    /// The first person, who owns the deployment.
    pub async fn owner(&self) -> Person<'_> {
        Person::sign_up(self, "owner@example.org").await
    }

    /// All audit records of a vault, newest first.
    pub async fn audit(&self, person: &Person<'_>) -> Vec<Record> {
        let (vault, audit) = (person.vault.parse().unwrap(), self.services.store.audit());
        let all = audit.page(store::audit::Ask::all(vault), usize::MAX).await.unwrap();
        all.into_iter().map(|(_, record)| record).collect()
    }

    /// A client of its store beside the store crate's, and what the names of its tables begin with.
    pub fn by_hand(&self) -> (aws_sdk_dynamodb::Client, &str) {
        (place::client(self.store.clone()), &self.services.config.table_prefix)
    }

    /// The newest audit records of a person's vault.
    pub async fn newest_records(&self, person: &Person<'_>, number: usize) -> Vec<Record> {
        self.newest_records_of(person.vault.parse().unwrap(), number).await
    }

    /// The newest audit records of a vault.
    pub async fn newest_records_of(&self, vault: VaultId, number: usize) -> Vec<Record> {
        let newest = self.services.store.audit().page(store::audit::Ask::all(vault), number).await.unwrap();
        newest.into_iter().map(|(_, record)| record).collect()
    }

    /// How many records of this action a vault has.
    pub async fn count(&self, person: &Person<'_>, action: Action) -> usize {
        self.audit(person).await.iter().filter(|record| record.action == action).count()
    }

    /// The ids of the machines in a project.
    pub async fn members(&self, project: &str) -> Vec<String> {
        let members = self.services.store.all(store::member::of_project(project.parse().unwrap())).await.unwrap();
        members.into_iter().map(|member| member.machine.to_string()).collect()
    }

    /// Runs the schedule that ends what has expired.
    pub async fn sweep(&self) -> usize {
        self.try_sweep().await.unwrap()
    }

    /// The same where it may fail.
    pub async fn try_sweep(&self) -> Result<usize, Error> {
        Sweep::new(&self.base("sweep-expired"), self.seal("sweep-expired"), self.mail("sweep-expired")).run().await
    }

    /// Runs the schedule that rotates what is due.
    pub async fn rotate(&self) -> usize {
        self.try_rotate().await.unwrap()
    }

    /// The same where it may fail.
    pub async fn try_rotate(&self) -> Result<usize, Error> {
        RotateDue::new(&self.base("rotate-due"), self.seal("rotate-due")).run().await
    }

    /// Lets the function that follows the audit table catch up; says how many reads it counted.
    pub async fn catch_up(&self) -> usize {
        self.try_to_follow(self.take_stream()).await.unwrap()
    }

    /// What was put into the audit table since somebody last looked.
    pub fn take_stream(&self) -> Vec<Item> {
        self.embedded.as_ref().expect("a store that gives its stream to the test").take_stream()
    }

    /// Gives this to the function that follows the audit table.
    pub async fn try_to_follow(&self, stream: Vec<Item>) -> Result<usize, Error> {
        local::follow(stream, &self.follow_audit()).await
    }

    /// The function that follows the audit table.
    pub fn follow_audit(&self) -> FollowAudit {
        FollowAudit::new(&self.base("follow-audit"), self.mail("follow-audit"), self.courier("follow-audit"))
    }

    /// `deliver-webhooks`, with a name server of the test.
    pub fn deliver(&self) -> DeliverWebhooks {
        let (base, keys) = (self.base("deliver-webhooks"), self.keys("deliver-webhooks"));
        DeliverWebhooks::new(&base, keys, Arc::new(PublicNames)).unwrap()
    }

    /// Runs the schedule that delivers to webhooks; says how many attempts it made.
    pub async fn deliver_due(&self) -> u64 {
        self.deliver().answer(&DeliveryRequest::Due).await.unwrap()["done"].as_u64().unwrap()
    }
}

/// Each function by itself, so that what it does is written down as rights that it needs.
impl Place for World {
    fn base(&self, function: &'static str) -> Base {
        self.services_of(function).base()
    }

    fn values(&self, function: &'static str) -> Values {
        self.services_of(function).values
    }

    fn keys(&self, function: &'static str) -> KeyRing {
        self.services_of(function).keys
    }

    fn seal(&self, function: &'static str) -> Seal {
        let Services { values, keys, clock, .. } = self.services_of("seal-secret");
        let seal = SealSecret::new(&self.base("seal-secret"), values, keys);
        Seal::by(Remote::by(Messages { from: function, seal, clock: clock.clone() }, clock))
    }

    fn courier(&self, function: &'static str) -> Arc<dyn Courier> {
        Arc::new(Wake { from: function, deliver: self.deliver() })
    }

    fn mail(&self, function: &'static str) -> Arc<dyn MailQueue> {
        mail::queue(function, &self.base("send-mail"), self.mail.clone())
    }
}
