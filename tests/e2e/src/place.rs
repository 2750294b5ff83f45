//! Where a world's functions and store are: in this process on the embedded store, unless the environment says
//! otherwise.
//!
//! | variable | effect |
//! |---|---|
//! | `SIKKERKEY_E2E_BACKEND` | `typed`: the embedded store by its own types, as in local mode, and not through the AWS client |
//! | `SIKKERKEY_E2E_DYNAMODB` | an endpoint: the store is there, in tables of each world's own |
//! | `SIKKERKEY_E2E_LAMBDA` | an endpoint that takes Lambda's Invoke: the functions are processes of their own, all worlds share them and their tables, and the clock is the real one |
//! | `SIKKERKEY_E2E_PREFIX` | with Lambda: what the names of its tables begin with |
//! | `SIKKERKEY_E2E_DEEP` | anything: tests that sample what they could try try all of it |
//! | `SIKKERKEY_E2E_STORE` | a folder: the embedded store of each world is a file in it, and not in memory, where it gets slower as it fills |
//! | `SIKKERKEY_E2E_A_DAY` | how many ephemeral machines a day the year of CI has |
//! | `SIKKERKEY_E2E_FUNCTION_PREFIX` | with Lambda: what the names of its functions begin with; nothing unless given |

use std::path::Path;
use std::sync::Arc;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use connector::Connector;
use dynamodb::DynamoDb;
use local::embedded::Embedded;
use store::Backend;

use crate::Proxy;
use crate::proxy::Typed;

#[expect(clippy::disallowed_methods, reason = "the one place of the suite that reads the environment")]
fn given(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether tests that sample what they could try are to try all of it.
#[must_use]
pub fn is_deep() -> bool {
    given("SIKKERKEY_E2E_DEEP").is_some()
}

/// How many ephemeral machines a day the year of CI has, if that is given.
#[must_use]
pub fn machines_a_day() -> Option<usize> {
    given("SIKKERKEY_E2E_A_DAY").map(|number| number.parse().expect("SIKKERKEY_E2E_A_DAY is a number"))
}

fn nobody() -> Credentials {
    Credentials::new("test", "test", None, None, "tests")
}

/// Functions as processes of their own.
pub(crate) struct Functions {
    pub(crate) client: aws_sdk_lambda::Client,
    pub(crate) name_prefix: String,
    pub(crate) table_prefix: String,
}

/// The functions' processes, if they are not in this one.
pub(crate) fn functions() -> Option<Functions> {
    let endpoint = given("SIKKERKEY_E2E_LAMBDA")?;
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(nobody());
    Some(Functions {
        client: aws_sdk_lambda::Client::from_conf(config.build()),
        name_prefix: given("SIKKERKEY_E2E_FUNCTION_PREFIX").unwrap_or_default(),
        table_prefix: given("SIKKERKEY_E2E_PREFIX").unwrap_or_else(|| "sikkerkey".to_owned()),
    })
}

/// What stands before the store, wherever that is; and the store, if it is in this process.
pub(crate) fn store() -> (Proxy, Option<Embedded>) {
    if given("SIKKERKEY_E2E_DYNAMODB").is_some() {
        return (Proxy::new(aws_smithy_http_client::Builder::new().build_http()), None);
    }
    let embedded = match given("SIKKERKEY_E2E_STORE") {
        None => Embedded::in_memory().unwrap(),
        Some(folder) => {
            let name = format!("e2e-{}.sqlite", hex::encode(crypto::random::bytes::<6>()));
            Embedded::in_file(&Path::new(&folder).join(name)).unwrap()
        }
    };
    (Proxy::new(Connector(embedded.clone())), Some(embedded))
}

/// The way to the store past this proxy: by the AWS client, or typed.
pub(crate) fn backend(proxy: Proxy, embedded: Option<&Embedded>) -> Arc<dyn Backend> {
    match (embedded, given("SIKKERKEY_E2E_BACKEND").as_deref()) {
        (_, None) => Arc::new(DynamoDb::by(client(proxy))),
        (Some(embedded), Some("typed")) => Arc::new(Typed { proxy, embedded: embedded.clone() }),
        (_, Some(other)) => panic!("SIKKERKEY_E2E_BACKEND is {other}; it can be typed, with the embedded store"),
    }
}

/// What the tables' names begin with in a world of its own.
pub(crate) fn table_prefix() -> Option<String> {
    given("SIKKERKEY_E2E_DYNAMODB").map(|_| format!("w{}", hex::encode(crypto::random::bytes::<6>())))
}

/// A client that speaks past this proxy.
pub(crate) fn client(proxy: Proxy) -> aws_sdk_dynamodb::Client {
    connector::client(proxy, given("SIKKERKEY_E2E_DYNAMODB"))
}
