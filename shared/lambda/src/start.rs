//! From the environment to a function that waits for its first event.

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use dynamodb::DynamoDb;
use edge::config::Misconfigured;
use edge::mail::NoMail;
use edge::seal::{Perform, Seal};
use edge::{Base, Clock, Config, Error, MailQueue, MailRequest, Routes, Telemetry, telemetry};
use store::{KeyLayer, Keys, Store, Values};
use vault::audit::Record;

use crate::clients::{self, Aws, NotOnLambda};
use crate::{direct, http};

/// What keeps a function from starting.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says it")]
pub enum StartError {
    #[error(transparent)]
    Misconfigured(#[from] Misconfigured),
    #[error(transparent)]
    NotOnLambda(#[from] NotOnLambda),
    #[error("no runtime: {0}")]
    Runtime(#[from] std::io::Error),
    #[error("the Lambda runtime ended: {0}")]
    Lambda(lambda_http::Error),
}

/// Something that takes a while, on one thread.
pub type Later<T> = Pin<Box<dyn Future<Output = T>>>;

/// How a key layer is opened, by the id of its key: `kms::open`.
pub type OpenKeyLayer = fn(&Aws, &str) -> Later<Arc<dyn KeyLayer>>;

/// A function on its way to its first event: gives out what the function asks for, with connections that are open.
///
/// What a function does not ask for here is not even linked into it. What it asks for stands in the signature of its routes,
/// so that what it may do is in its type.
pub struct Start {
    pub(crate) name: &'static str,
    pub(crate) base: Base,
    pub(crate) telemetry: Telemetry,
    values: Values,
    dynamodb: aws_sdk_dynamodb::Client,
    aws: Aws,
}

impl Start {
    fn of(name: &'static str, environment: impl Fn(&str) -> Option<String>) -> Result<Self, StartError> {
        let config = Config::from_environment(&environment)?;
        let aws = Aws::from_environment(environment)?;
        let dynamodb = aws.dynamodb();
        let (store, values) = Store::new(Arc::new(DynamoDb::by(dynamodb.clone())), &config.table_prefix);
        let base = Base { config: Arc::new(config), store, clock: Clock::System };
        let telemetry = Telemetry::new(&base);
        Ok(Self { name, base, telemetry, values, dynamodb, aws })
    }

    /// Makes what answers the events, while the connection to the store opens.
    async fn make<T>(&self, make: impl AsyncFnOnce(&Self) -> Result<T, StartError>) -> Result<T, StartError> {
        let (done, ()) = tokio::join!(make(self), clients::connect_dynamodb(&self.dynamodb));
        done
    }

    /// What every function is given.
    #[must_use]
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// The AWS clients' common ground, for a client that only this function has.
    #[must_use]
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// The right to name values.
    #[must_use]
    pub fn values(&self) -> Values {
        self.values.clone()
    }

    /// Keys, made and unwrapped by `kms::open`: `SIKKERKEY_KMS_KEY` has to be set.
    pub async fn keys(&self, open: OpenKeyLayer) -> Result<Keys, StartError> {
        let layer = open(&self.aws, self.base.config.kms_key()?).await;
        Ok(Keys::new(layer, self.base.config.key_cache_seconds))
    }

    /// The same, with the keys of the newest projects unwrapped before the first request.
    pub async fn project_keys(&self, open: OpenKeyLayer) -> Result<Keys, StartError> {
        let keys = self.keys(open).await?;
        self.base.prepare(&keys).await;
        Ok(keys)
    }

    /// `seal-secret`: `SIKKERKEY_SEAL_FUNCTION` has to be set.
    pub async fn seal(&self) -> Result<Seal, StartError> {
        let function = self.base.config.seal_function()?.to_owned();
        Ok(direct::seal_by_invoking(&self.aws, function, self.base.clock.clone()).await)
    }

    /// `send-mail`, for which `SIKKERKEY_MAIL_FUNCTION` has to be set; or nobody, where there is no sender.
    pub async fn mail(&self) -> Result<Arc<dyn MailQueue>, StartError> {
        let function = self.base.config.mail_function()?.to_owned();
        if self.base.config.mail_from.is_none() {
            return Ok(Arc::new(NoMail));
        }
        Ok(Arc::new(direct::mail_by_invoking(&self.aws, function).await))
    }
}

/// A function that is about to start.
pub struct Function {
    name: &'static str,
}

impl Function {
    /// The function of this name.
    #[must_use]
    pub fn named(name: &'static str) -> Self {
        Self { name }
    }

    /// Answers API Gateway with these routes until Lambda ends the process.
    pub fn http(self, routes: impl AsyncFnOnce(&Start) -> Result<Routes, StartError>) -> ExitCode {
        self.run(async |start| http::answer(start, start.make(routes).await?).await.map_err(StartError::Lambda))
    }

    /// Answers other functions' requests for mail, and says of each how many mails that were. An error makes Lambda try again,
    /// and then keep the request for a person.
    pub fn mail_requests<J, D>(self, job: impl AsyncFnOnce(&Start) -> Result<J, StartError>) -> ExitCode
    where
        J: Fn(MailRequest) -> D,
        D: Future<Output = Result<usize, Error>>,
    {
        self.run(async |start| {
            direct::answer_mail_requests(start, start.make(job).await?).await.map_err(StartError::Lambda)
        })
    }

    /// Answers the messages of other functions that have values written.
    pub fn sealing<P: Perform>(self, seal: impl AsyncFnOnce(&Start) -> Result<P, StartError>) -> ExitCode {
        self.run(async |start| {
            direct::answer_sealing(start, &start.make(seal).await?).await.map_err(StartError::Lambda)
        })
    }

    /// Does something each time a schedule fires, and says how many things it ended, changed or sent. An error makes Lambda try
    /// again, and then keep the event for a person.
    pub fn schedule<J, D>(self, job: impl AsyncFnOnce(&Start) -> Result<J, StartError>) -> ExitCode
    where
        J: Fn() -> D,
        D: Future<Output = Result<usize, Error>>,
    {
        self.run(async |start| direct::answer_schedule(start, start.make(job).await?).await.map_err(StartError::Lambda))
    }

    /// Follows the stream of the audit table, and says of each batch how many of its records mattered. An error makes Lambda
    /// send the batch again.
    pub fn stream<J, D>(self, job: impl AsyncFnOnce(&Start) -> Result<J, StartError>) -> ExitCode
    where
        J: Fn(Vec<Record>) -> D,
        D: Future<Output = Result<usize, Error>>,
    {
        self.run(async |start| direct::answer_stream(start, start.make(job).await?).await.map_err(StartError::Lambda))
    }

    /// Starts, and goes on until the end; what ends it is the last line of the log.
    #[expect(clippy::disallowed_methods, reason = "the one place of a function that reads the environment")]
    fn run(self, work: impl AsyncFnOnce(&Start) -> Result<(), StartError>) -> ExitCode {
        let environment = |name: &str| std::env::var(name).ok();
        let level = Config::log_level(environment);
        telemetry::start(level.as_ref().unwrap_or(&"info"), std::io::stdout);
        let ended = level.map_err(StartError::Misconfigured).and_then(|_| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async { work(&Start::of(self.name, environment)?).await })
        });
        match ended {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!("{}: {error}", self.name);
                ExitCode::FAILURE
            }
        }
    }
}
