//! From the environment to a function that waits for its first event.

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use crypto::{KeyContext, Sealed};
use dynamodb::DynamoDb;
use edge::config::Misconfigured;
use edge::mail::NoMail;
use edge::seal::{Perform, Seal};
use edge::{Clock, Config, Error, MailQueue, MailRequest, Routes, Services, Telemetry, telemetry};
use store::key_layer::KeyBytes;
use store::{KeyError, KeyLayer, Keys, Store};
use vault::audit::Record;

use crate::clients::{self, Aws, NotOnLambda};
use crate::{direct, http};

/// What keeps a function from starting.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Misconfigured(#[from] Misconfigured),
    #[error(transparent)]
    NotOnLambda(#[from] NotOnLambda),
    #[error("no runtime: {0}")]
    Runtime(#[from] std::io::Error),
    #[error("the Lambda runtime ended: {0}")]
    Lambda(lambda_http::Error),
}

/// What a schedule's job has done: how many things it ended, changed or sent.
pub type Job = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<usize, Error>>>>>;

/// What is done with the audit records of a stream: says how many of them mattered.
pub type StreamJob = Box<dyn Fn(Vec<Record>) -> Pin<Box<dyn Future<Output = Result<usize, Error>>>>>;

/// What is done with a request for mail: says how many mails that were.
pub type MailJob = Box<dyn Fn(MailRequest) -> Pin<Box<dyn Future<Output = Result<usize, Error>>>>>;

/// How that is put together.
pub type MakeMailJob = for<'a> fn(&'a Services, &'a Aws) -> Pin<Box<dyn Future<Output = MailJob> + 'a>>;

/// Something that takes a while, on one thread.
pub type Later<T> = Pin<Box<dyn Future<Output = T>>>;

/// How a key layer is opened, by the id of its key: `kms::open`.
pub type OpenKeyLayer = fn(&Aws, &str) -> Later<Arc<dyn KeyLayer>>;

/// A function that is about to start.
///
/// What a function does not ask for here is not even linked into it: that is why its parts are function pointers, and why
/// KMS and SES are in crates of their own.
pub struct Function {
    name: &'static str,
    key_layer: Option<OpenKeyLayer>,
    prepares_keys: bool,
}

/// The key layer of a function that needs none, and whose role would not let it.
struct NoKeys;

#[async_trait]
impl KeyLayer for NoKeys {
    async fn make_wrapped(&self, _: &KeyContext) -> Result<Sealed, KeyError> {
        Err(KeyError::Unavailable("this function has no key layer".to_owned()))
    }

    async fn unwrap(&self, _: &KeyContext, _: &Sealed) -> Result<KeyBytes, KeyError> {
        Err(KeyError::Unavailable("this function has no key layer".to_owned()))
    }
}

/// What a function is run with.
pub(crate) struct Started {
    pub(crate) name: &'static str,
    pub(crate) services: Services,
    pub(crate) telemetry: Telemetry,
    pub(crate) aws: Aws,
}

impl Started {
    /// `seal-secret`, with a connection to it.
    async fn seal(&self) -> Result<Seal, StartError> {
        let function = self.services.config.seal_function()?.to_owned();
        Ok(direct::seal_by_invoking(&self.aws, function, self.services.clock.clone()).await)
    }

    /// `send-mail`, with a connection to it; or nobody, where there is no sender.
    async fn mail(&self) -> Result<Arc<dyn MailQueue>, StartError> {
        let function = self.services.config.mail_function()?.to_owned();
        if self.services.config.mail_from.is_none() {
            return Ok(Arc::new(NoMail));
        }
        Ok(Arc::new(direct::mail_by_invoking(&self.aws, function).await))
    }
}

/// What a function does with its events, until Lambda ends it.
type Work = Box<dyn FnOnce(Started) -> Later<Result<(), StartError>>>;

impl Function {
    /// A function that uses the store and nothing else.
    #[must_use]
    pub fn named(name: &'static str) -> Self {
        Self { name, key_layer: None, prepares_keys: false }
    }

    /// It makes or unwraps keys, by `kms::open`: `SIKKERKEY_KMS_KEY` has to be set.
    #[must_use]
    pub fn using_keys(self, open: OpenKeyLayer) -> Self {
        Self { key_layer: Some(open), ..self }
    }

    /// It opens or seals values: as [`Function::using_keys`], and keys of projects are unwrapped before the first
    /// request.
    #[must_use]
    pub fn opening_projects(self, open: OpenKeyLayer) -> Self {
        Self { prepares_keys: true, ..self.using_keys(open) }
    }

    /// Answers API Gateway with these routes until Lambda ends the process.
    pub fn answer_http(self, routes: fn(&Services) -> Routes) -> ExitCode {
        self.run(Box::new(move |started| {
            Box::pin(async move {
                let routes = routes(&started.services);
                http::answer(&started, routes).await.map_err(StartError::Lambda)
            })
        }))
    }

    /// The same, for a function that has `seal-secret` write values: `SIKKERKEY_SEAL_FUNCTION` has to be set.
    pub fn answer_http_sealing(self, routes: fn(&Services, Seal) -> Routes) -> ExitCode {
        self.run(Box::new(move |started| {
            Box::pin(async move {
                let routes = routes(&started.services, started.seal().await?);
                http::answer(&started, routes).await.map_err(StartError::Lambda)
            })
        }))
    }

    /// The same, for a function that has `send-mail` send mail: `SIKKERKEY_MAIL_FUNCTION` has to be set.
    pub fn answer_http_mailing(self, routes: fn(&Services, Arc<dyn MailQueue>) -> Routes) -> ExitCode {
        self.run(Box::new(move |started| {
            Box::pin(async move {
                let routes = routes(&started.services, started.mail().await?);
                http::answer(&started, routes).await.map_err(StartError::Lambda)
            })
        }))
    }

    /// Answers other functions' requests for mail. An error makes Lambda try again, and then keep the request for a person.
    pub fn answer_mail_requests(self, job: MakeMailJob) -> ExitCode {
        self.run(Box::new(move |started| {
            Box::pin(async move {
                let job = job(&started.services, &started.aws).await;
                direct::answer_mail_requests(&started, job).await.map_err(StartError::Lambda)
            })
        }))
    }

    /// Answers the messages of other functions that have values written.
    pub fn answer_sealing(self, seal: fn(&Services) -> Box<dyn Perform>) -> ExitCode {
        self.run(Box::new(move |started| {
            Box::pin(async move {
                let seal = seal(&started.services);
                direct::answer_sealing(&started, &*seal).await.map_err(StartError::Lambda)
            })
        }))
    }

    /// Does something each time a schedule fires, with `seal-secret` at hand: `SIKKERKEY_SEAL_FUNCTION` has to be set. An
    /// error makes Lambda try again, and then keep the event for a person.
    pub fn answer_schedule_sealing(self, job: fn(&Services, Seal) -> Job) -> ExitCode {
        self.run(Box::new(move |started| {
            Box::pin(async move {
                let job = job(&started.services, started.seal().await?);
                direct::answer_schedule(&started, job).await.map_err(StartError::Lambda)
            })
        }))
    }

    /// Follows the stream of the audit table. An error makes Lambda send the batch again.
    pub fn answer_stream(self, job: fn(&Services) -> StreamJob) -> ExitCode {
        self.run(Box::new(move |started| {
            Box::pin(async move {
                let job = job(&started.services);
                direct::answer_stream(&started, job).await.map_err(StartError::Lambda)
            })
        }))
    }

    /// Starts, and goes on until the end; what ends it is the last line of the log.
    #[expect(clippy::disallowed_methods, reason = "the one place of a function that reads the environment")]
    fn run(self, work: Work) -> ExitCode {
        let environment = |name: &str| std::env::var(name).ok();
        let level = Config::log_level(environment);
        telemetry::start(level.as_ref().unwrap_or(&"info"), std::io::stdout);
        let ended = level.map_err(StartError::Misconfigured).and_then(|_| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async { work(self.start(environment).await?).await })
        });
        match ended {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!("{}: {error}", self.name);
                ExitCode::FAILURE
            }
        }
    }

    async fn start(&self, environment: impl Fn(&str) -> Option<String>) -> Result<Started, StartError> {
        let config = Config::from_environment(&environment)?;
        let key_layer = self.key_layer.map(|open| config.kms_key().map(|key| (open, key.to_owned()))).transpose()?;
        let aws = Aws::from_environment(environment)?;
        let dynamodb = aws.dynamodb();
        let (layer, ()) = tokio::join!(
            async {
                match key_layer {
                    Some((open, key)) => open(&aws, &key).await,
                    None => Arc::new(NoKeys),
                }
            },
            clients::connect_dynamodb(&dynamodb)
        );
        let (store, values) = Store::new(Arc::new(DynamoDb::by(dynamodb)), &config.table_prefix);
        let keys = Keys::new(layer, config.key_cache_seconds);
        let services = Services { config: Arc::new(config), store, values, keys, clock: Clock::System };
        if self.prepares_keys {
            services.prepare_keys().await;
        }
        let telemetry = Telemetry::new(&services);
        Ok(Started { name: self.name, services, telemetry, aws })
    }
}
