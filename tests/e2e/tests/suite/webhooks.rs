//! Webhooks: what is sent to whom and signed how; and making, changing and limiting them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::mac::hmac_sha256;
use crypto::{KeyContext, PublicKey, Sealed};
use e2e::{Answer, Options, Person, Received, Receiver, World, keys};
use rules::audit::Action;
use serde_json::{Value, json};
use store::KeyError;
use store::rewrap::Rewrap;

pub(crate) async fn world() -> World {
    World::with(Options { loopback_webhooks: true, ..Options::default() }).await
}

/// A webhook of this receiver: its id and its signing secret.
pub(crate) async fn webhook(owner: &Person<'_>, receiver: &Receiver, actions: &[&str]) -> (String, String) {
    let body = json!({ "url": receiver.url, "actions": actions });
    let made = owner.post("/v1/manage/webhooks", &body).await.expect(200);
    (made.field("id"), made.field("secret"))
}

pub(crate) async fn shown(owner: &Person<'_>, id: &str) -> Value {
    owner.get(&format!("/v1/manage/webhooks/{id}")).await.expect(200).json()
}

pub(crate) async fn deliveries(owner: &Person<'_>, id: &str) -> Vec<Value> {
    let path = format!("/v1/manage/webhooks/{id}/deliveries/query");
    let listed = owner.post(&path, &json!({ "limit": 200 })).await.expect(200).json();
    listed["deliveries"].as_array().unwrap().clone()
}

/// A delivery's `v1` signatures, which have to be these secrets', the newest first; and its `v1a`, the deployment's.
async fn verify(world: &World, received: &Received, secrets: &[&str]) {
    let signed =
        format!("{}.{}.{}", received.header("webhook-id"), received.header("webhook-timestamp"), received.body);
    let mut signatures: Vec<&str> = received.header("webhook-signature").split(' ').collect();
    let deployment = signatures.pop().unwrap().strip_prefix("v1a,").unwrap();
    let expected = secrets.iter().map(|secret| {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &[signed.as_bytes()])))
    });
    assert_eq!(signatures, expected.collect::<Vec<_>>());
    let of_body = |secret: &&str| hex::encode(hmac_sha256(secret.as_bytes(), &[received.body.as_bytes()]));
    assert_eq!(received.header("x-sikkerkey-signature"), of_body(&secrets[0]));
    assert_eq!(received.header("x-sikkerkey-signature-previous"), secrets.get(1).map_or(String::new(), of_body));

    let keys = world.send(e2e::Request::new("GET", "/v1/webhooks/keys")).await.expect(200).json();
    let key = keys["keys"][0]["publicKey"].as_str().unwrap().strip_prefix("whpk_").unwrap();
    let signature = STANDARD.decode(deployment).unwrap().try_into().unwrap();
    assert!(PublicKey::from_base64(key).unwrap().verify(signed.as_bytes(), &signature));
}

#[tokio::test]
async fn what_it_wants_is_sent_signed_and_nothing_else() {
    let (world, receiver) = (world().await, Receiver::new().await);
    let owner = world.owner().await;
    let (id, secret) = webhook(&owner, &receiver, &["project_create", "secret_read"]).await;
    let (_, secret_id, machine) = owner.readable("the marker value").await;
    machine.read(&secret_id).await.expect(200);
    world.catch_up().await;
    assert_eq!(deliveries(&owner, &id).await.len(), 2);
    assert_eq!(world.deliver_due().await, 2);

    let received = receiver.received();
    let told: BTreeMap<String, &Received> =
        received.iter().map(|it| (it.json()["event"].as_str().unwrap().to_owned(), it)).collect();
    assert_eq!(told.keys().collect::<Vec<_>>(), ["project_create", "secret_read"]);
    let read = told["secret_read"];
    let body = read.json();
    assert_eq!(keys(&body), ["data", "event", "id", "severity", "timestamp"]);
    assert_eq!(keys(&body["data"]), ["detail", "machineId", "secretId", "sourceIp", "userId"]);
    assert_eq!(body["data"]["userId"], owner.id);
    assert_eq!(body["data"]["machineId"], machine.id);
    assert_eq!((&body["data"]["secretId"], &body["severity"]), (&json!(secret_id), &json!("info")));
    assert!(told["project_create"].json()["data"]["secretId"].is_null());
    assert!(!read.body.contains("the marker value"));
    for (name, value) in [
        ("content-type", "application/json"),
        ("user-agent", "SikkerKey-Webhook/1.0"),
        ("x-sikkerkey-event", "secret_read"),
        ("x-sikkerkey-delivery-id", &read.id()),
        ("webhook-id", &read.id()),
        ("webhook-timestamp", &world.now().seconds().to_string()),
    ] {
        assert_eq!(read.header(name), value, "{name}");
    }
    verify(&world, read, &[&secret]).await;

    for delivery in deliveries(&owner, &id).await {
        assert_eq!((&delivery["status"], &delivery["attempts"]), (&json!("delivered"), &json!(1)), "{delivery}");
        assert_eq!((&delivery["responseStatus"], &delivery["error"]), (&json!(204), &Value::Null));
    }
    assert!(shown(&owner, &id).await["lastDeliveredAt"].is_u64());
    // The same records once more, as after a batch that failed half-way: nothing is sent twice.
    assert_eq!(world.deliver_due().await, 0);
    let page = json!({ "limit": 1 });
    let path = format!("/v1/manage/webhooks/{id}/deliveries/query");
    let first = owner.post(&path, &page).await.expect(200).json();
    let second = owner.post(&path, &json!({ "limit": 1, "cursor": first["cursor"] })).await.expect(200).json();
    assert_ne!(first["deliveries"][0]["id"], second["deliveries"][0]["id"]);
    assert!(second["cursor"].is_null());
}

/// Deliveries go to where the webhook is when they are sent.
#[tokio::test]
async fn a_webhook_that_moved_is_told_where_it_is() {
    let (world, old, new) = (world().await, Receiver::new().await, Receiver::new().await);
    let owner = world.owner().await;
    let (id, _) = webhook(&owner, &old, &["project_create"]).await;
    owner.project("p").await;
    world.catch_up().await;
    owner.post(&format!("/v1/manage/webhooks/{id}/update"), &json!({ "url": new.url })).await.expect(200);
    world.deliver_due().await;
    assert_eq!((old.received().len(), new.received().len()), (0, 1));
}

/// A signing secret that somebody changed in the store signs nothing.
#[tokio::test]
async fn a_damaged_secret_signs_nothing() {
    let (world, receiver) = (world().await, Receiver::new().await);
    let owner = world.owner().await;
    let (one, _) = webhook(&owner, &receiver, &["project_create"]).await;
    let (other, _) = webhook(&owner, &receiver, &["project_update"]).await;
    let row = |id: &str| store::webhook::row(owner.vault.parse().unwrap(), id.parse().unwrap());
    let moved = world.services.store.get(&row(&other)).await.unwrap().unwrap().secret;
    world.services.store.change(row(&one).change().set(store::webhook::SECRET, &moved)).await.unwrap();
    owner.project("p").await;
    world.catch_up().await;
    world.deliver_due().await;
    assert_eq!(receiver.received().len(), 0);
    assert_eq!(deliveries(&owner, &one).await[0]["error"], "the signing secret is damaged; rotate it");
}

/// Without its key layer nothing is sent and nothing counts; it is sent later.
#[tokio::test]
async fn while_the_server_is_sealed_deliveries_wait() {
    let (world, receiver) = (world().await, Receiver::new().await);
    let owner = world.owner().await;
    let (id, _) = webhook(&owner, &receiver, &["project_create"]).await;
    owner.project("p").await;
    world.catch_up().await;
    world.keys.set_down(true);
    assert_eq!(world.deliver_due().await, 0);
    world.keys.set_down(false);
    assert_eq!(deliveries(&owner, &id).await[0]["attempts"], 0);
    world.wait_seconds(60);
    assert_eq!((world.deliver_due().await, receiver.received().len()), (1, 1));
}

#[tokio::test]
async fn while_a_secret_is_rotated_both_sign() {
    let (world, receiver) = (world().await, Receiver::new().await);
    let owner = world.owner().await;
    let (id, old) = webhook(&owner, &receiver, &["project_create"]).await;
    let path = format!("/v1/manage/webhooks/{id}/rotate-secret");
    let rotated = owner.post(&path, &json!({})).await.expect(200);
    let (new, until) = (rotated.field("secret"), rotated.json()["previousUntil"].as_u64().unwrap());
    assert_eq!(until, world.now().ms() + 86_400_000);
    owner.project("p").await;
    world.catch_up().await;
    world.deliver_due().await;
    verify(&world, &receiver.received()[0], &[&new, &old]).await;
    world.wait_seconds(86_400);
    let owner = owner.again().await;
    owner.project("q").await;
    world.catch_up().await;
    world.deliver_due().await;
    verify(&world, &receiver.received()[1], &[&new]).await;
    for text in [shown(&owner, &id).await.to_string(), owner.get("/v1/manage/webhooks").await.text()] {
        assert!(!text.contains("whsec_") && !text.contains("secret\""), "{text}");
    }
}

/// Wraps nothing but what webhooks need, and says what it was asked for.
#[derive(Default)]
struct Asked(Mutex<Vec<KeyContext>>);

#[async_trait]
impl Rewrap for Asked {
    async fn rewrap(&self, context: &KeyContext, _: &Sealed) -> Result<Option<Sealed>, KeyError> {
        self.0.lock().unwrap().push(*context);
        let is_ours = matches!(context, KeyContext::Webhook(_) | KeyContext::Signing);
        Ok(is_ours.then(|| Sealed::from_bytes(vec![7])))
    }
}

/// Under another server key, these keys are wrapped again too.
#[tokio::test]
async fn keys_of_webhooks_are_wrapped_again_with_the_others() {
    let (world, receiver) = (world().await, Receiver::new().await);
    let owner = world.owner().await;
    webhook(&owner, &receiver, &["project_create"]).await;
    let (vault, store, by) = (owner.vault.parse().unwrap(), &world.services.store, Asked::default());
    assert_eq!(store.rewrap_all(&by, world.now()).await.unwrap().keys, 2);
    let expected = [KeyContext::Webhook(vault), KeyContext::Vault(vault), KeyContext::Signing];
    assert_eq!(*by.0.lock().unwrap(), expected);
    let key = store.get(&store::webhook::key(vault)).await.unwrap().unwrap().key;
    let signing = store.get(&store::webhook::deployment_key()).await.unwrap().unwrap().key;
    assert_eq!([key.as_bytes(), signing.as_bytes()], [&[7], &[7]]);
}

#[tokio::test]
async fn a_deleted_webhook_is_sent_nothing_and_neither_is_one_that_is_off() {
    let (world, receiver) = (world().await, Receiver::new().await);
    let owner = world.owner().await;
    let (deleted, _) = webhook(&owner, &receiver, &["project_create"]).await;
    let (off, _) = webhook(&owner, &receiver, &["project_create"]).await;
    owner.project("p").await;
    world.catch_up().await;
    owner.post(&format!("/v1/manage/webhooks/{deleted}/delete"), &json!({})).await.expect(200);
    owner.post(&format!("/v1/manage/webhooks/{off}/update"), &json!({ "enabled": false })).await.expect(200);
    world.deliver_due().await;
    assert_eq!(receiver.received().len(), 0);
    let listed = deliveries(&owner, &off).await;
    assert_eq!((&listed[0]["status"], &listed[0]["error"]), (&json!("failed"), &json!("the webhook is switched off")));
    // A test is sent all the same.
    owner.post(&format!("/v1/manage/webhooks/{off}/test"), &json!({})).await.expect(200);
    assert_eq!(world.deliver_due().await, 1);
    let again = format!("/v1/manage/webhooks/{deleted}");
    for answer in [
        owner.get(&again).await,
        owner.post(&format!("{again}/delete"), &json!({})).await,
        owner.post(&format!("{again}/test"), &json!({})).await,
        owner.post(&format!("{again}/update"), &json!({ "enabled": true })).await,
        owner.post(&format!("{again}/rotate-secret"), &json!({})).await,
    ] {
        assert_eq!(answer.code(404), "webhook_not_found");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_what_to_do() {
    let world = World::new().await;
    let owner = world.owner().await;
    let create = async |url: &str, actions: Value| -> Answer {
        owner.post("/v1/manage/webhooks", &json!({ "url": url, "actions": actions })).await
    };
    let good = "https://hooks.example.org/a";
    for (url, actions, error) in [
        ("http://hooks.example.org/", json!(["secret_read"]), "url must begin with https://"),
        ("https://a:b@hooks.example.org/", json!(["secret_read"]), "url must have no user name and no password in it"),
        ("https://hooks.example.org:8443/", json!(["secret_read"]), "url must have port 443"),
        ("https://169.254.169.254/", json!(["secret_read"]), "url must lead to public addresses only"),
        ("https://a.localhost/", json!(["secret_read"]), "url must lead to public addresses only"),
        ("hooks", json!(["secret_read"]), "url must be a URL such as https://example.org/hooks"),
        (
            &format!("https://h.example.org/{}", "a".repeat(2_048)),
            json!(["secret_read"]),
            "url must be at most 2048 characters",
        ),
        (good, json!([]), "actions must name at least one action"),
        (good, json!(["secret_reads"]), "actions must be names of actions; GET audit/actions lists them"),
    ] {
        assert_eq!(create(url, actions).await.error(422), error, "{url}");
    }
    let id = create(good, json!(["secret_read", "auth_failure", "secret_read"])).await.expect(200).field("id");
    assert_eq!(shown(&owner, &id).await["actions"], json!(["secret_read", "auth_failure"]));
    let path = format!("/v1/manage/webhooks/{id}/update");
    for (body, error) in [
        (json!({ "url": "https://10.0.0.1/" }), "url must lead to public addresses only"),
        (json!({ "actions": [] }), "actions must name at least one action"),
    ] {
        assert_eq!(owner.post(&path, &body).await.error(422), error);
    }
    let before = world.count(&owner, Action::WebhookUpdate).await;
    owner.post(&path, &json!({})).await.expect(200);
    owner.post(&path, &json!({ "url": good, "enabled": true })).await.expect(200);
    assert_eq!(world.count(&owner, Action::WebhookUpdate).await, before, "nothing changed");
    for _ in 1..20 {
        create(good, json!(["secret_read"])).await.expect(200);
    }
    let full = create(good, json!(["secret_read"])).await;
    assert_eq!(
        (full.code(409), full.error(409)),
        ("limit_reached".into(), "A vault has at most 20 webhooks; delete one".into())
    );
    let found =
        owner.post("/v1/manage/webhooks/query", &json!({ "name": good, "limit": 200 })).await.expect(200).json();
    assert_eq!(found["webhooks"].as_array().unwrap().len(), 20);
}

const PLANS: &str = r#"{
    "few": {"webhookCount": 1, "webhookDeliveriesPerDay": 3},
    "without": {"webhooks": false, "alerts": false}
}"#;

#[tokio::test]
async fn a_plan_limits_webhooks_and_their_deliveries() {
    let options = |plan: &str| {
        let default_plan = Some(plan.to_owned());
        Options { plans: Some(PLANS), default_plan, loopback_webhooks: true, ..Options::default() }
    };
    let (world, receiver) = (World::with(options("few")).await, Receiver::new().await);
    let owner = world.owner().await;
    let (id, _) = webhook(&owner, &receiver, &["project_create", "webhook_limit_reached"]).await;
    let second = json!({ "url": receiver.url, "actions": ["project_create"] });
    assert_eq!(owner.post("/v1/manage/webhooks", &second).await.code(403), "plan_limit");
    for number in 0..5 {
        owner.project(&format!("p{number}")).await;
        world.catch_up().await;
    }
    world.deliver_due().await;
    assert_eq!(receiver.received().len(), 3);
    assert_eq!(world.count(&owner, Action::WebhookLimitReached).await, 1, "once a day");
    let usage = owner.get("/v1/manage/usage").await.expect(200).json();
    assert_eq!(usage["webhookDeliveriesPerDay"], json!({ "used": 3, "limit": 3 }));
    assert_eq!(usage["webhookCount"], json!({ "used": 1, "limit": 1 }));
    world.wait_seconds(86_400);
    let owner = owner.again().await;
    owner.project("q").await;
    world.catch_up().await;
    world.deliver_due().await;
    assert_eq!(receiver.received().len(), 4);
    owner.post(&format!("/v1/manage/webhooks/{id}/delete"), &json!({})).await.expect(200);
    webhook(&owner, &receiver, &["project_create"]).await;

    let world = World::with(options("without")).await;
    let owner = world.owner().await;
    let refused = owner.post("/v1/manage/webhooks", &second).await;
    assert_eq!(refused.error(403), "The plan without has no webhooks; ask the operator for another plan");
}
