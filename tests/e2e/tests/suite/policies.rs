//! Access policies on the machine plane: what each axis refuses, what reads count, and what that brings about.

use crypto::random;
use e2e::{Machine, Person, World};
use rules::Time;
use rules::audit::Action;
use rules::nouns::{Binding, Expiring, Expiry, Policy, PolicyId, SecretReads};
use rules::policies::{AddressList, Axes, CoSign, RateCap, RotateAfter, TimeWindow, Ttl};
use serde_json::json;
use store::secret;

use crate::races::{count, storm};

/// A policy that says this, and the secret bound to it.
async fn bind(world: &World, owner: &Person<'_>, project: &str, secret: &str, axes: Axes) -> PolicyId {
    axes.check().unwrap();
    let (id, project, secret) =
        (PolicyId::from_entropy(random::bytes()), project.parse().unwrap(), secret.parse().unwrap());
    let policy = Policy {
        id,
        vault: owner.vault.parse().unwrap(),
        project,
        name: "policy".to_owned(),
        description: None,
        axes,
        bound: 1,
        created_at: world.now(),
        updated_at: world.now(),
    };
    let mut write = world.services.store.transaction();
    if let Some(at) = policy.axes.ttl.expires_at {
        write.put(&Expiry { at, of: Expiring::Ttl(project, secret) });
    }
    write.put_new(&policy);
    write.put_new(&Binding { policy: id, secret });
    write.put_new(&SecretReads::none(secret, id));
    write.change(secret::row(secret).change().set(secret::POLICY, &Some(id)));
    write.commit().await.unwrap();
    id
}

/// The window of this many minutes from the current one, every day.
fn window(now: Time, from_minutes: u64, minutes: u64) -> TimeWindow {
    let at = |minute: u64| {
        let minute = (now.seconds() / 60 + minute) % 1_440;
        json!(format!("{:02}:{:02}", minute / 60, minute % 60))
    };
    let (start, end) = (at(from_minutes), at(from_minutes + minutes));
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    serde_json::from_value(json!({ "enabled": true, "start": start, "end": end, "zone": "UTC", "days": days })).unwrap()
}

fn capped(per_minute: u64) -> Axes {
    Axes { rate_cap: RateCap { enabled: true, per_minute: Some(per_minute), per_day: None }, ..Axes::default() }
}

async fn poll(machine: &Machine<'_>, secret: &str) -> serde_json::Value {
    machine.post("/v1/secrets/poll", &json!({ "watch": [secret] })).await.expect(200).json()["changes"].clone()
}

async fn exported(machine: &Machine<'_>) -> usize {
    machine.post("/v1/secrets/export", &json!({})).await.expect(200).json()["secrets"].as_array().unwrap().len()
}

#[tokio::test]
async fn what_an_axis_refuses_is_named_by_its_code_and_recorded() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, _, cosigner) = owner.readable("another").await;
    let ranges = |range: &str| AddressList { enabled: true, ranges: vec![range.parse().unwrap()] };
    let co_sign = CoSign { enabled: true, machine: Some(cosigner.id.parse().unwrap()), window_seconds: Some(60) };
    let off = Axes::default();
    let cases = [
        (Axes { time_window: window(world.now(), 0, 60), ..off.clone() }, 200, "", ""),
        (
            Axes { time_window: window(world.now(), 60, 60), ..off.clone() },
            403,
            "outside_time_window",
            "outside the policy's time window",
        ),
        (Axes { address_list: ranges("0.0.0.0/0"), ..off.clone() }, 200, "", ""),
        (
            Axes { address_list: ranges("203.0.113.0/24"), ..off.clone() },
            403,
            "address_not_allowed",
            "address not in the policy's allowlist",
        ),
        (Axes { co_sign, ..off.clone() }, 403, "not_cosigned", "not co-signed"),
        (
            Axes { ttl: Ttl { expires_at: Some(world.now()), max_reads: None }, ..off },
            404,
            "secret_not_found",
            "TTL reached",
        ),
    ];
    for (axes, status, code, reason) in cases {
        let (project, secret, machine) = owner.readable("v").await;
        machine.read(&secret).await.expect(200);
        bind(&world, &owner, &project, &secret, axes).await;
        let answer = machine.read(&secret).await;
        assert_eq!(answer.status, status, "{code}: {}", answer.text());
        if status == 200 {
            continue;
        }
        assert_eq!(answer.headers["x-sikkerkey-error"], code);
        let denied = world.newest_records(&owner, 1).await.remove(0);
        assert_eq!((denied.action, denied.detail.as_str()), (Action::SecretReadDenied, reason));
        assert_eq!(exported(&machine).await, 0, "{code}");
        // What is temporary is no news; what is gone is.
        let news = if status == 404 { json!({ &secret: { "status": "deleted" } }) } else { json!({}) };
        assert_eq!(poll(&machine, &secret).await, news, "{code}");
    }
}

#[tokio::test]
async fn a_read_of_the_cosigner_opens_the_window() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    let cosigner = owner.machine().await;
    owner.attach(&project, &cosigner).await;
    owner.grant(&project, &cosigner, &[&secret]).await;
    let co_sign = CoSign { enabled: true, machine: Some(cosigner.id.parse().unwrap()), window_seconds: Some(60) };
    bind(&world, &owner, &project, &secret, Axes { co_sign, ..Axes::default() }).await;
    machine.read(&secret).await.expect(403);
    cosigner.read(&secret).await.expect(200);
    machine.read(&secret).await.expect(200);
    world.wait_seconds(61);
    machine.read(&secret).await.expect(403);
}

#[tokio::test]
async fn where_nothing_is_counted_a_bound_secret_costs_no_call_more() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    machine.read(&secret).await.expect(200);
    let listed = AddressList { enabled: true, ranges: vec!["0.0.0.0/0".parse().unwrap()] };
    let policy = bind(&world, &owner, &project, &secret, Axes { address_list: listed, ..Axes::default() }).await;
    let costs = async |machine: &Machine<'_>| {
        world.store.forget();
        machine.read(&secret).await.expect(200);
        world.store.operations()
    };
    assert_eq!(costs(&machine).await, ["BatchGetItem", "BatchGetItem", "PutItem"]);
    assert_eq!(costs(&machine).await, ["BatchGetItem", "PutItem"]);
    assert_eq!(world.store.calls()[0].rows(), 9, "policy and counts, beside the seven of any secret");

    let id = secret.parse().unwrap();
    let mut write = world.services.store.transaction();
    write.change(secret::row(id).change().remove(secret::POLICY));
    store::policy::unbind(&mut write, policy, id, true);
    write.delete(&store::policy::reads(id));
    write.commit().await.unwrap();
    costs(&machine).await;
    assert_eq!(costs(&machine).await, ["BatchGetItem", "PutItem"]);
    assert_eq!(world.store.calls()[0].rows(), 7, "a secret that is bound no more costs what it did before");
}

#[tokio::test]
async fn a_counted_read_is_one_transaction() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    bind(&world, &owner, &project, &secret, capped(3)).await;
    machine.read(&secret).await.expect(200);
    world.store.forget();
    machine.read(&secret).await.expect(200);
    assert_eq!(world.store.operations(), ["BatchGetItem", "TransactWriteItems"]);
    assert_eq!(exported(&machine).await, 1);
    let refused = machine.read(&secret).await.expect(429);
    assert_eq!(refused.headers["x-sikkerkey-error"], "rate_capped");
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(exported(&machine).await, 0);
    world.wait_seconds(wait);
    machine.read(&secret).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_readers_no_more_are_served_than_the_policy_allows() {
    const ALLOWED: u64 = 20;
    let ttl = Axes { ttl: Ttl { expires_at: None, max_reads: Some(ALLOWED) }, ..Axes::default() };
    let per_day = RateCap { enabled: true, per_minute: None, per_day: Some(ALLOWED) };
    for (axes, refused) in [(ttl, 404), (Axes { rate_cap: per_day, ..Axes::default() }, 429)] {
        let world = World::new().await;
        world.store.interleave();
        let owner = world.owner().await;
        let (project, secret, machine) = owner.readable("v").await;
        bind(&world, &owner, &project, &secret, axes).await;
        let other = world.another_process();
        let reads = (0..200).map(|_| machine.request("GET", &format!("/v1/secret/{secret}"), b"")).collect();
        let statuses = storm(&[&world, &other], reads).await;
        let served = count(&statuses, 200);
        assert!(served <= usize::try_from(ALLOWED).unwrap(), "{statuses:?}");
        // Who met too many others is told to try again, and has counted nothing.
        assert_eq!(served + count(&statuses, refused) + count(&statuses, 503), 200, "{statuses:?}");
        let mut later = 0;
        while machine.read(&secret).await.status == 200 {
            later += 1;
        }
        assert_eq!(served + later, usize::try_from(ALLOWED).unwrap());
        assert_eq!(world.count(&owner, Action::SecretRead).await, usize::try_from(ALLOWED).unwrap());
    }
}

#[tokio::test]
async fn the_last_read_is_served_and_the_secret_destroyed() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    let ttl = Ttl { expires_at: None, max_reads: Some(2) };
    let policy = bind(&world, &owner, &project, &secret, Axes { ttl, ..Axes::default() }).await;
    machine.read(&secret).await.expect(200);
    assert_eq!(exported(&machine).await, 1);
    machine.read(&secret).await.expect(404);
    assert_eq!(world.sweep().await, 1);
    let store = &world.services.store;
    assert!(store.get(&secret::row(secret.parse().unwrap())).await.unwrap().is_none());
    assert!(store.get(&store::policy::reads(secret.parse().unwrap())).await.unwrap().is_none());
    let policy = store.get(&store::policy::row(policy)).await.unwrap().unwrap();
    assert_eq!(policy.bound, 0);
    assert_eq!(store.count(store::policy::bindings_of(policy.id)).await.unwrap(), 0);
    assert_eq!(world.count(&owner, Action::SecretPurge).await, 1);
    assert_eq!(world.sweep().await, 0);
}

#[tokio::test]
async fn a_moment_ends_a_secret_unless_the_policy_says_otherwise_by_then() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    let ttl = Ttl { expires_at: Some(world.now().plus_seconds(120)), max_reads: None };
    let policy = bind(&world, &owner, &project, &secret, Axes { ttl, ..Axes::default() }).await;
    machine.read(&secret).await.expect(200);
    assert_eq!(world.sweep().await, 0);
    world.wait_seconds(120);
    machine.read(&secret).await.expect(404);
    let mut write = world.services.store.transaction();
    write.change(store::policy::row(policy).change().set(store::policy::AXES, &Axes::default()));
    write.commit().await.unwrap();
    assert_eq!(world.sweep().await, 1);
    machine.read(&secret).await.expect(200);
}

#[tokio::test]
async fn a_secret_is_rotated_after_its_reads() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    let axes = Axes { rotate_after: RotateAfter { reads: Some(2) }, ..Axes::default() };
    bind(&world, &owner, &project, &secret, axes).await;
    for _ in 0..2 {
        assert_eq!(machine.read(&secret).await.expect(200).json(), json!({ "value": "v" }));
    }
    assert_eq!(world.rotate().await, 1);
    let rotated = machine.read(&secret).await.expect(200).field("value");
    assert_eq!((rotated.len(), world.count(&owner, Action::SecretRotate).await), (32, 1));
    assert_eq!(world.rotate().await, 0, "one read of the new version was counted");
    assert_eq!((exported(&machine).await, world.rotate().await), (1, 1), "an export is a read");
}

#[tokio::test]
async fn policies_go_with_their_project() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, _) = owner.readable_in("production", "v").await;
    let policy = bind(&world, &owner, &project, &secret, capped(3)).await;
    let sure = json!({ "confirmName": "production" });
    owner.post(&format!("/v1/manage/projects/{project}/delete"), &sure).await.expect(200);
    world.wait_seconds(3_600);
    world.sweep().await;
    let store = &world.services.store;
    assert!(store.get(&store::policy::row(policy)).await.unwrap().is_none());
    assert!(store.get(&store::policy::reads(secret.parse().unwrap())).await.unwrap().is_none());
    assert_eq!(store.count(store::policy::bindings_of(policy)).await.unwrap(), 0);
}
