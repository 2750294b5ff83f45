//! One signed read: what it gives, every reason for refusing it, what it costs.

use e2e::{Options, World, signed_request};
use rules::audit::{Action, ActorKind, Severity};
use serde_json::json;

#[tokio::test]
async fn a_granted_machine_reads_the_value() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("p\u{e4}ss\n\"w\u{f6}rd\" \u{1f511}").await;
    let answer = machine.read(&secret).await.expect(200);
    assert_eq!(answer.json(), json!({ "value": "p\u{e4}ss\n\"w\u{f6}rd\" \u{1f511}" }));
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "no-store");

    let log = world.audit(&owner).await;
    let read = log.iter().find(|record| record.action == Action::SecretRead).unwrap();
    assert_eq!((read.severity, read.actor_kind), (Severity::Info, ActorKind::Machine));
    assert_eq!(read.machine_id.unwrap().to_string(), machine.id);
    assert_eq!(read.secret_id.unwrap().to_string(), secret);
    assert_eq!(read.project_id.unwrap().to_string(), project);
    assert_eq!(read.source_ip, machine.from);
    assert_eq!(read.user_id.to_string(), owner.id);
    world.assert_now(read.timestamp);
}

/// Warm: one BatchGetItem, one PutItem, no call to the key layer. Cold: one BatchGetItem and one unwrapping more.
#[tokio::test]
async fn a_warm_read_costs_two_calls() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("value").await;
    // Delivered once, so that the note of it is not among the calls.
    machine.read(&secret).await.expect(200);

    let cold = world.another_process();
    let cold_machine = e2e::Machine { world: &cold, ..machine };
    let unwrapped = world.keys.unwrapped();
    world.store.forget();
    cold_machine.read(&secret).await.expect(200);
    assert_eq!(world.store.operations(), ["BatchGetItem", "BatchGetItem", "PutItem"]);
    assert_eq!(world.keys.unwrapped() - unwrapped, 1);

    for _ in 0..3 {
        world.store.forget();
        cold_machine.read(&secret).await.expect(200);
        assert_eq!(world.store.operations(), ["BatchGetItem", "PutItem"]);
    }
    assert_eq!(world.keys.unwrapped() - unwrapped, 1);
    let first = world.store.calls().remove(0);
    assert_eq!(first.rows(), 7, "machine, vault, secret, project, membership, grant, value");
    assert!(first.body["RequestItems"].as_object().unwrap().values().all(|table| table["ConsistentRead"] == true));

    // A refused read costs the same.
    owner.post(&format!("/v1/manage/projects/{project}/freeze"), &json!({})).await.expect(200);
    world.store.forget();
    cold_machine.read(&secret).await.expect(423);
    assert_eq!(world.store.operations(), ["BatchGetItem", "PutItem"]);

    // A new version is delivered once, and that is noted.
    owner.post(&format!("/v1/manage/projects/{project}/unfreeze"), &json!({})).await.expect(200);
    let update = format!("/v1/manage/projects/{project}/secrets/{secret}/update");
    owner.post(&update, &json!({ "value": "new" })).await.expect(200);
    world.store.forget();
    cold_machine.read(&secret).await.expect(200);
    assert_eq!(world.store.operations(), ["BatchGetItem", "PutItem", "UpdateItem"]);
}

/// A function that has just started has unwrapped the keys of the newest projects before its first request.
#[tokio::test]
async fn keys_are_prepared_before_the_first_request() {
    let world = World::new().await;
    let owner = world.owner().await;
    for number in 0..16 {
        owner.project(&format!("older {number}")).await;
    }
    let (_, secret, machine) = owner.readable("value").await;
    for function in ["read-secret", "export-secrets", "seal-secret"] {
        let services = world.services_of(function);
        let before = world.keys.unwrapped();
        services.prepare().await;
        assert_eq!(world.keys.unwrapped() - before, 16, "{function}: the newest sixteen of seventeen");
        if function == "read-secret" {
            let project = services.store.newest_projects(1).await.unwrap().remove(0);
            services.keys.master_key(&project, world.now()).await.map(drop).unwrap();
            assert_eq!(world.keys.unwrapped() - before, 16, "the project in use is among them");
        }
    }
    // The key layer may be away: that is for the requests to say.
    world.keys.set_down(true);
    world.services_of("read-secret").prepare().await;
    world.keys.set_down(false);
    machine.read(&secret).await.expect(200);
}

#[tokio::test]
async fn an_unwrapped_key_is_used_for_five_minutes_at_most() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    machine.read(&secret).await.expect(200);
    world.keys.set_down(true);
    machine.read(&secret).await.expect(200);
    world.wait_seconds(300);
    assert_eq!(machine.read(&secret).await.error(503), "The server is sealed, try again later");
    world.keys.set_down(false);
    machine.read(&secret).await.expect(200);

    let careful = World::with(Options { key_cache_seconds: Some(0), ..Options::default() }).await;
    let owner = careful.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    machine.read(&secret).await.expect(200);
    careful.keys.set_down(true);
    machine.read(&secret).await.error(503);
}

/// Every refusal after the signature has its status, its text, its record, and burns its nonce.
#[tokio::test]
async fn each_refusal_is_told_recorded_and_burns_its_nonce() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("value").await;
    let state = |what: &str| format!("/v1/manage/machines/{}/{what}", machine.id);
    let of_project = |what: &str| format!("/v1/manage/projects/{project}/{what}");
    let nothing = json!({});

    let pending = owner.pending_machine().await;
    let text = pending.read(&secret).await.error(403);
    assert_eq!(text, "Machine is not approved yet");

    owner.post(&state("disable"), &nothing).await.expect(200);
    assert_eq!(machine.read(&secret).await.error(403), "Machine is disabled");
    owner.post(&state("enable"), &nothing).await.expect(200);

    assert_eq!(machine.read("sk_0000000000").await.error(404), "Secret not found");
    assert_eq!(machine.read("not-an-id").await.error(404), "Secret not found");

    owner.post(&of_project("freeze"), &json!({ "reason": "looking into it" })).await.expect(200);
    assert_eq!(machine.read(&secret).await.error(423), "Project is frozen");
    owner.post(&of_project("unfreeze"), &nothing).await.expect(200);

    owner.grant(&project, &machine, &[]).await.expect(200);
    assert_eq!(machine.read(&secret).await.error(403), "Machine has no grant for this secret");
    owner.grant(&project, &machine, &[&secret]).await.expect(200);

    owner.post(&of_project(&format!("machines/{}/detach", machine.id)), &nothing).await.expect(200);
    assert_eq!(machine.read(&secret).await.error(403), "Machine is not a member of this project");
    owner.attach(&project, &machine).await;
    assert_eq!(machine.read(&secret).await.error(403), "Machine has no grant for this secret");
    owner.grant(&project, &machine, &[&secret]).await.expect(200);

    owner.post(&of_project(&format!("secrets/{secret}/delete")), &nothing).await.expect(200);
    assert_eq!(machine.read(&secret).await.error(404), "Secret not found");

    let log = world.audit(&owner).await;
    let mut denied: Vec<&str> =
        log.iter().filter(|r| r.action == Action::SecretReadDenied).map(|r| r.detail.as_str()).collect();
    denied.reverse();
    assert_eq!(
        denied,
        [
            "machine not approved",
            "machine disabled",
            "secret not found",
            "secret not found",
            "project frozen",
            "no grant",
            "not a member of the project",
            "no grant",
            "secret not found",
        ]
    );

    // The refused request, sent again when it would be allowed, is a replay.
    let other = owner.secret(&project, "other", "value").await;
    let refused = machine.request("GET", &format!("/v1/secret/{other}"), b"");
    world.send(refused.clone()).await.error(403);
    owner.grant(&project, &machine, &[&other]).await.expect(200);
    assert_eq!(world.send(refused).await.error(401), "Authentication failed");
    machine.read(&other).await.expect(200);
}

#[tokio::test]
async fn a_request_without_a_true_signature_is_401() {
    let world = World::with(Options { lockout_failures: Some(40), ..Options::default() }).await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let path = format!("/v1/secret/{secret}");
    let good = machine.request("GET", &path, b"");
    let another_path = machine.request("GET", "/v1/secret/sk_0000000000", b"");
    let signature = another_path.headers.iter().find(|(name, _)| name == "x-signature").unwrap().1.clone();

    let stranger = "0b64c4f0-5d6f-4d5e-9c7e-3f1f6f3f0a11";
    for (what, request) in [
        ("another request's signature", good.clone().replace("x-signature", &signature)),
        ("another nonce", good.clone().replace("x-nonce", "AAECAwQFBgcICQoLDA0ODw==")),
        ("a second later", good.clone().replace("x-timestamp", &(world.now().seconds() + 1).to_string())),
        ("an unknown machine", good.clone().replace("x-machine-id", stranger)),
        ("a body", e2e::Request { body: b"x".to_vec(), ..good.clone() }),
        (
            "a machine that expired or never was",
            signed_request(&machine.key, stranger, "GET", &path, b"", world.now().seconds(), "12345678"),
        ),
    ] {
        let answer = world.send(request).await;
        assert_eq!(answer.error(401), "Authentication failed", "{what}");
    }
    // None of these took the nonce: the true request still works.
    world.send(good).await.expect(200);
    // Failures that name a known machine are in its vault's log.
    assert_eq!(world.count(&owner, Action::AuthFailure).await, 4);
}

#[tokio::test]
async fn the_clock_may_be_off_by_300_seconds_and_no_more() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let path = format!("/v1/secret/{secret}");
    for (off, status) in [(-301, 401), (-300, 200), (-299, 200), (0, 200), (299, 200), (300, 200), (301, 401)] {
        let answer = world.send(machine.request_at(off, "GET", &path, b"")).await;
        assert_eq!(answer.status.as_u16(), status, "{off} s off: {}", answer.text());
    }
}

#[tokio::test]
async fn a_nonce_is_used_once_whatever_else_changes() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let path = format!("/v1/secret/{secret}");
    let seconds = world.now().seconds();
    let signed =
        |id: &str, seconds, path: &str| signed_request(&machine.key, id, "GET", path, b"", seconds, "a nonce of mine");

    world.send(signed(&machine.id, seconds, &path)).await.expect(200);
    world.send(signed(&machine.id, seconds, &path)).await.error(401);
    // With a fresh timestamp and signature.
    world.wait_seconds(1);
    world.send(signed(&machine.id, seconds + 1, &path)).await.error(401);
    // With the id in other letters, which is not signed.
    world.send(signed(&machine.id.to_uppercase(), seconds + 1, &path)).await.error(401);
    // On another route.
    world.send(signed(&machine.id, seconds + 1, "/v1/secrets")).await.error(401);
    // An hour later, by another process.
    world.wait_seconds(3_600);
    world.another_process().send(signed(&machine.id, seconds + 3_601, &path)).await.error(401);
    // Another machine's nonces are its own.
    let other = owner.again().await.machine().await;
    let request = signed_request(&other.key, &other.id, "GET", "/v1/secrets", b"", seconds + 3_601, "a nonce of mine");
    world.send(request).await.expect(200);
}

#[tokio::test]
async fn the_allowlist_is_asked_before_any_cryptography() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let path = format!("/v1/secret/{secret}");
    let list = "/v1/manage/ipallowlist";
    let entry = owner.post(list, &json!({ "cidr": "203.0.113.0/24", "label": "office" })).await.expect(200).field("id");
    machine.read(&secret).await.expect(200);
    owner.post(&format!("{list}/enable"), &json!({})).await.expect(200);

    // Refused the same with a good signature, a bad one, and a stale one; recorded once, and counted never.
    let good = machine.request("GET", &path, b"");
    let bad = good.clone().replace("x-nonce", "AAECAwQFBgcICQoLDA0ODw==");
    let stale = machine.request_at(-1_000, "GET", &path, b"");
    for request in [good.clone(), bad, stale] {
        world.store.forget();
        assert_eq!(world.send(request).await.error(403), "Access denied");
        assert_eq!(world.store.operations(), ["BatchGetItem", "PutItem"]);
    }
    assert_eq!(world.count(&owner, Action::AuthFailure).await, 1);
    world.send(good.from("203.0.113.9")).await.expect(200);
    world.send(machine.request("GET", &path, b"").from("::ffff:203.0.113.9")).await.expect(200);

    owner.post(&format!("{list}/{entry}/delete"), &json!({})).await.expect(200);
    // On and empty lets nobody in.
    world.send(machine.request("GET", &path, b"").from("203.0.113.9")).await.error(403);
    owner.post(&format!("{list}/disable"), &json!({})).await.expect(200);
    machine.read(&secret).await.expect(200);
}

#[tokio::test]
async fn values_are_replaced_and_versions_counted() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("one").await;
    let path = format!("/v1/manage/projects/{project}/secrets/{secret}");
    for version in 2..=60 {
        let value = format!("value {version}");
        let answer = owner.post(&format!("{path}/update"), &json!({ "value": value })).await.expect(200);
        assert_eq!(answer.json(), json!({ "id": secret, "version": version }));
    }
    assert_eq!(machine.read(&secret).await.expect(200).field("value"), "value 60");
    // The newest fifty are kept.
    let values = &world.services.values;
    for (version, kept) in [(10, false), (11, true), (60, true)] {
        let key = values.version(secret.parse().unwrap(), version);
        assert_eq!(world.services.store.get(&key).await.unwrap().is_some(), kept, "version {version}");
    }
}
