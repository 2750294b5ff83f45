//! How the AWS clients behave, the same on AWS and locally.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, StalledStreamProtectionConfig};

use crate::meter::{Counted, Counter};

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
