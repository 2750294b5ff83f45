//! The KMS key layer against a stand-in that does what KMS does with contexts: what is sent, and what errors mean.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_kms::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::Sealed;
use crypto::envelope::KeyContext;
use kms::KmsKeyLayer;
use protocol::{ProjectId, VaultId};
use serde_json::{Value, json};
use store::{KeyError, KeyLayer};

const KEY: [u8; 32] = [0x42; 32];

/// Wraps by writing the context into the ciphertext, and opens only under the same one.
#[derive(Debug, Clone, Default)]
struct StandIn {
    calls: Arc<Mutex<Vec<(String, Value)>>>,
    broken: Arc<Mutex<Option<(u16, &'static str)>>>,
}

impl StandIn {
    fn answer(&self, operation: &str, body: &Value) -> (u16, Value) {
        if let Some((status, kind)) = *self.broken.lock().unwrap() {
            return (status, json!({ "__type": kind, "message": "made by a test" }));
        }
        // A context has no order.
        let context: BTreeMap<_, _> = body["EncryptionContext"].as_object().into_iter().flatten().collect();
        let context = STANDARD.encode(serde_json::to_vec(&context).unwrap());
        match operation {
            "GenerateDataKeyWithoutPlaintext" => (200, json!({ "CiphertextBlob": context, "KeyId": "key" })),
            "Decrypt" if body["CiphertextBlob"] == context => {
                (200, json!({ "Plaintext": STANDARD.encode(KEY), "KeyId": "key" }))
            }
            "Decrypt" => (400, json!({ "__type": "InvalidCiphertextException" })),
            other => panic!("{other} is no right of ours"),
        }
    }
}

impl HttpConnector for StandIn {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").unwrap().split('.').nth(1).unwrap().to_owned();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let (status, answer) = self.answer(&operation, &body);
        self.calls.lock().unwrap().push((operation, body));
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(answer.to_string()));
        response.headers_mut().insert("content-type", "application/x-amz-json-1.1");
        HttpConnectorFuture::ready(Ok(response))
    }
}

impl HttpClient for StandIn {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn layer(stand_in: &StandIn) -> KmsKeyLayer {
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(stand_in.clone())
        .region(Region::new("eu-north-1"))
        .retry_config(aws_sdk_kms::config::retry::RetryConfig::disabled())
        .allow_no_auth();
    KmsKeyLayer::new(aws_sdk_kms::Client::from_conf(config.build()), "alias/sikkerkey".to_owned())
}

fn project(number: u8) -> KeyContext {
    KeyContext::Project(VaultId::from_entropy([1; 16]), ProjectId::from_entropy([number; 16]))
}

#[tokio::test]
async fn keys_are_made_unseen_and_opened_under_their_context_only() {
    let stand_in = StandIn::default();
    let layer = layer(&stand_in);
    let wrapped = layer.make_wrapped(&project(1)).await.unwrap();
    assert_eq!(*layer.unwrap(&project(1), &wrapped).await.unwrap(), KEY);

    let KeyContext::Project(vault, id) = project(1) else { panic!("a project's context") };
    let context = json!({ "purpose": "project", "vault": vault, "project": id });
    let calls = stand_in.calls.lock().unwrap().clone();
    assert_eq!(
        calls[0],
        (
            "GenerateDataKeyWithoutPlaintext".to_owned(),
            json!({ "KeyId": "alias/sikkerkey", "NumberOfBytes": 32, "EncryptionContext": context })
        )
    );
    assert_eq!((calls[1].0.as_str(), &calls[1].1["EncryptionContext"]), ("Decrypt", &context));
    assert_eq!(calls[1].1["KeyId"], "alias/sikkerkey");

    let vault = KeyContext::Vault(vault);
    let other = Sealed::from_bytes(vec![1, 2, 3]);
    for (context, wrapped) in [(project(2), &wrapped), (vault, &wrapped), (project(1), &other)] {
        assert!(matches!(layer.unwrap(&context, wrapped).await, Err(KeyError::Damaged)));
    }
}

#[tokio::test]
async fn what_kms_refuses_for_now_is_unavailable() {
    let stand_in = StandIn::default();
    let layer = layer(&stand_in);
    let wrapped = layer.make_wrapped(&project(1)).await.unwrap();
    for broken in [
        (500, "KMSInternalException"),
        (400, "ThrottlingException"),
        (400, "DisabledException"),
        (400, "AccessDeniedException"),
        (400, "KMSInvalidStateException"),
    ] {
        *stand_in.broken.lock().unwrap() = Some(broken);
        assert!(matches!(layer.unwrap(&project(1), &wrapped).await, Err(KeyError::Unavailable(_))), "{broken:?}");
        assert!(matches!(layer.make_wrapped(&project(1)).await, Err(KeyError::Unavailable(_))), "{broken:?}");
    }
}
