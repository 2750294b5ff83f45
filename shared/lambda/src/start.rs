//! From the environment to a function that waits for its first event.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use crypto::{KeyContext, Sealed};
use edge::config::Misconfigured;
use edge::seal::Seal;
use edge::{Clock, Config, Error, Routes, Services, Telemetry, telemetry};
use store::key_layer::KeyBytes;
use store::{KeyError, KeyLayer, Keys, KmsKeyLayer, Store};

use crate::clients;
use crate::{direct, http};

/// What keeps a function from starting.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Misconfigured(#[from] Misconfigured),
    #[error("environment variable AWS_REGION is missing; Lambda sets it")]
    NoRegion,
    #[error("no runtime: {0}")]
    Runtime(#[from] std::io::Error),
    #[error("the Lambda runtime ended: {0}")]
    Lambda(lambda_http::Error),
}

/// What a function needs of the key layer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    NoKeys,
    Keys,
    OpenProjects,
}

/// A function that is about to start.
pub struct Function {
    name: &'static str,
    need: Need,
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
    aws: SdkConfig,
}

impl Started {
    /// The door to `seal-secret`.
    async fn seal(&self) -> Result<Arc<dyn Seal>, Misconfigured> {
        let function = self.services.config.seal_function()?.to_owned();
        Ok(Arc::new(direct::seal_by_invoking(&self.aws, function).await))
    }
}

impl Function {
    /// A function that uses the store and nothing else.
    #[must_use]
    pub fn named(name: &'static str) -> Self {
        Self { name, need: Need::NoKeys }
    }

    /// It makes or unwraps keys: `SIKKERKEY_KMS_KEY` has to be set.
    #[must_use]
    pub fn using_keys(self) -> Self {
        Self { need: Need::Keys, ..self }
    }

    /// It opens or seals values: as [`Function::using_keys`], and keys of projects are unwrapped before the first
    /// request.
    #[must_use]
    pub fn opening_projects(self) -> Self {
        Self { need: Need::OpenProjects, ..self }
    }

    /// Answers API Gateway with these routes until Lambda ends the process.
    pub fn answer_http(self, routes: impl FnOnce(&Services) -> Routes) -> ExitCode {
        self.run(async |started| {
            let routes = routes(&started.services);
            http::answer(&started, routes).await.map_err(StartError::Lambda)
        })
    }

    /// The same, for a function that has `seal-secret` write values: `SIKKERKEY_SEAL_FUNCTION` has to be set.
    pub fn answer_http_sealing(self, routes: impl FnOnce(&Services, Arc<dyn Seal>) -> Routes) -> ExitCode {
        self.run(async |started| {
            let routes = routes(&started.services, started.seal().await?);
            http::answer(&started, routes).await.map_err(StartError::Lambda)
        })
    }

    /// Answers the messages of other functions that have values written.
    pub fn answer_sealing<S: Seal>(self, seal: impl FnOnce(&Services) -> S) -> ExitCode {
        self.run(async |started| {
            let seal = seal(&started.services);
            direct::answer_sealing(&started, &seal).await.map_err(StartError::Lambda)
        })
    }

    /// Does its work each time a schedule fires. An error makes Lambda try again, and then keep the event for a person.
    pub fn answer_schedule<W>(self, work: impl FnOnce(&Services) -> W) -> ExitCode
    where
        W: AsyncFn() -> Result<usize, Error>,
    {
        self.run(async |started| {
            let work = work(&started.services);
            direct::answer_schedule(&started, work).await.map_err(StartError::Lambda)
        })
    }

    /// Starts, and goes on until the end; what ends it is the last line of the log.
    #[expect(clippy::disallowed_methods, reason = "the one place of a function that reads the environment")]
    fn run(self, work: impl AsyncFnOnce(Started) -> Result<(), StartError>) -> ExitCode {
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
        let config = Config::from_environment(environment)?;
        let key_id = if self.need == Need::NoKeys { None } else { Some(config.kms_key()?.to_owned()) };
        let aws = clients::configuration().await;
        if aws.region().is_none() {
            return Err(StartError::NoRegion);
        }
        let dynamodb = clients::dynamodb(&aws);
        let kms = key_id.map(|key_id| (clients::kms(&aws), key_id));
        tokio::join!(clients::connect_dynamodb(&dynamodb), async {
            if let Some((kms, _)) = &kms {
                clients::connect_kms(kms).await;
            }
        });
        let layer: Arc<dyn KeyLayer> = match kms {
            Some((client, key_id)) => Arc::new(KmsKeyLayer::new(client, key_id)),
            None => Arc::new(NoKeys),
        };
        let (store, values) = Store::new(dynamodb, &config.table_prefix);
        let keys = Keys::new(layer, config.key_cache_seconds);
        let services = Services { config: Arc::new(config), store, values, keys, clock: Clock::System };
        if self.need == Need::OpenProjects {
            services.prepare_keys().await;
        }
        let telemetry = Telemetry::new(&services);
        Ok(Started { name: self.name, services, telemetry, aws })
    }
}
