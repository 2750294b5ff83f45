//! What a function is given at its start, made from its environment.

use std::pin::Pin;
use std::sync::Arc;

use dynamodb::DynamoDb;
use edge::config::Misconfigured;
use edge::mail::NoMail;
use edge::seal::Seal;
use edge::{Base, Clock, Config, Courier, MailQueue, Telemetry};
use store::{KeyLayer, KeyRing, Store, Values};

use crate::clients::{self, Aws, NotOnAws};
use crate::invoke;

/// What keeps a function from starting.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says it")]
pub enum StartError {
    #[error(transparent)]
    Misconfigured(#[from] Misconfigured),
    #[error(transparent)]
    NotOnAws(#[from] NotOnAws),
    #[error("no runtime: {0}")]
    Runtime(#[from] std::io::Error),
    #[error("the Lambda runtime ended: {0}")]
    Lambda(lambda_http::Error),
    #[error("{0}")]
    Broken(String),
}

impl From<String> for StartError {
    fn from(what: String) -> Self {
        Self::Broken(what)
    }
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
    pub(crate) fn of(name: &'static str, environment: impl Fn(&str) -> Option<String>) -> Result<Self, StartError> {
        let config = Config::from_environment(&environment)?;
        let aws = Aws::from_environment(environment)?;
        let dynamodb = aws.dynamodb();
        let (store, values) = Store::new(Arc::new(DynamoDb::by(dynamodb.clone())), &config.table_prefix);
        let base = Base { config: Arc::new(config), store, clock: Clock::System };
        let telemetry = Telemetry::new(&base);
        Ok(Self { name, base, telemetry, values, dynamodb, aws })
    }

    /// Makes what answers the events, while the connection to the store opens.
    pub(crate) async fn make<T>(
        &self,
        make: impl AsyncFnOnce(&Self) -> Result<T, StartError>,
    ) -> Result<T, StartError> {
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
    pub async fn keys(&self, open: OpenKeyLayer) -> Result<KeyRing, StartError> {
        let layer = open(&self.aws, self.base.config.kms_key()?).await;
        Ok(KeyRing::new(layer, self.base.config.key_cache_seconds))
    }

    /// The same, with the keys of the newest projects unwrapped before the first request.
    pub async fn project_keys(&self, open: OpenKeyLayer) -> Result<KeyRing, StartError> {
        let keys = self.keys(open).await?;
        self.base.prepare(&keys).await;
        Ok(keys)
    }

    /// `seal-secret`: `SIKKERKEY_SEAL_FUNCTION` has to be set.
    pub async fn seal(&self) -> Result<Seal, StartError> {
        let function = self.base.config.seal_function()?.to_owned();
        Ok(invoke::seal_by_invoking(&self.aws, function, self.base.clock.clone()).await)
    }

    /// `deliver-webhooks`: `SIKKERKEY_DELIVERY_FUNCTION` has to be set.
    pub async fn courier(&self) -> Result<Arc<dyn Courier>, StartError> {
        let function = self.base.config.delivery_function()?.to_owned();
        Ok(Arc::new(invoke::courier_by_invoking(&self.aws, function).await))
    }

    /// `send-mail`, for which `SIKKERKEY_MAIL_FUNCTION` has to be set; or nobody, where there is no sender.
    pub async fn mail(&self) -> Result<Arc<dyn MailQueue>, StartError> {
        let function = self.base.config.mail_function()?.to_owned();
        if self.base.config.mail_from.is_none() {
            return Ok(Arc::new(NoMail));
        }
        Ok(Arc::new(invoke::mail_by_invoking(&self.aws, function).await))
    }
}
