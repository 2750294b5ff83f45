//! How the AWS clients behave.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use store::meter::{Counted, count};

/// Longest that one attempt may take. DynamoDB answers in milliseconds; what takes this long will not come.
const ATTEMPT: Duration = Duration::from_secs(2);
/// Longest that a call may take with its attempts. Clients give up after 15 s, and a request makes a few calls.
const CALL: Duration = Duration::from_secs(4);
/// Attempts of one call.
const ATTEMPTS: u32 = 3;

/// Limits on the time of a call.
#[must_use]
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(CALL).build()
}

/// Limits on the attempts of a call.
#[must_use]
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS)
}

/// DynamoDB's client with these limits, its calls counted.
#[must_use]
pub fn bounded(config: Builder) -> Builder {
    config
        .behavior_version(BehaviorVersion::v2026_01_12())
        .timeout_config(timeouts())
        .retry_config(retries())
        .interceptor(Counter(Counted::StoreCall))
        // Our answers are small; watching their rate would cost more than reading them.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

/// Counts the attempts of a client's calls: give it to the client's configuration.
#[derive(Debug)]
pub struct Counter(pub Counted);

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "Counter"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        count(self.0);
        Ok(())
    }
}
