//! Races: what may happen once happens once, and what was forbidden stays forbidden, however many try at once.

use std::collections::HashSet;
use std::sync::Arc;

use crypto::KeyPair;
use e2e::{Answer, Machine, Options, Request, World, signed_request};
use rules::audit::Action;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How many requests are under way at a time.
const AT_ONCE: usize = 64;

/// Sends all requests, 64 at a time, over several instances of the functions, and gives the statuses.
pub(crate) async fn storm(worlds: &[&World], requests: Vec<Request>) -> Vec<u16> {
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for (n, request) in requests.into_iter().enumerate() {
        let world = worlds[n % worlds.len()];
        let (gate, router, now) = (gate.clone(), world.router.clone(), request);
        running.spawn(async move {
            let _permit = gate.acquire().await.unwrap();
            e2e::send(router, now).await
        });
    }
    running.join_all().await.into_iter().map(|answer: Answer| answer.status.as_u16()).collect()
}

pub(crate) fn count(statuses: &[u16], status: u16) -> usize {
    statuses.iter().filter(|known| **known == status).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_copies_of_a_request_one_succeeds() {
    let world = World::new().await;
    world.store.interleave();
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let other = world.another_process();
    let copy = machine.request("GET", &format!("/v1/secret/{secret}"), b"");
    let statuses = storm(&[&world, &other], vec![copy; 1_000]).await;
    assert_eq!(count(&statuses, 200), 1);
    assert_eq!(count(&statuses, 200) + count(&statuses, 401) + count(&statuses, 429), 1_000, "{statuses:?}");
    assert_eq!(world.count(&owner, Action::SecretRead).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_time_things_happen_the_permitted_number_of_times() {
    let world = World::new().await;
    world.store.interleave();
    let owner = world.owner().await;
    let other = world.another_process();
    let worlds = [&world, &other];
    // Each racer from an address of its own, so that the lockout plays no part.
    let racers = |request: &dyn Fn() -> Request| -> Vec<Request> {
        (1..=AT_ONCE).map(|n| request().from(&format!("198.51.100.{n}"))).collect()
    };

    let token = owner.bootstrap_token().await;
    let register = || {
        let body = json!({ "publicKey": KeyPair::make().public().to_base64(), "hostname": "host" });
        Request::new("POST", &format!("/v1/bootstrap/{token}/register")).json(&body)
    };
    let statuses = storm(&worlds, racers(&register)).await;
    assert_eq!(count(&statuses, 200), 1, "{statuses:?}");
    assert_eq!(world.count(&owner, Action::MachineRegister).await, 1);

    let project = owner.project("p").await;
    let made = owner.post("/v1/manage/bundles", &json!({ "projectId": project, "secretIds": [] })).await.expect(200);
    let path = made.field("url").strip_prefix("http://localhost:8080").unwrap().to_owned();
    let statuses = storm(&worlds, racers(&|| Request::new("GET", &path))).await;
    assert_eq!((count(&statuses, 200), count(&statuses, 410)), (1, AT_ONCE - 1), "{statuses:?}");

    let body = json!({ "name": "ci", "projectIds": [project], "secretIds": null, "tokenLifetimeSeconds": 600,
                       "machineLifetimeSeconds": 600, "maxUses": 10 });
    let token = owner.post("/v1/manage/enrollment-tokens", &body).await.expect(200).field("token");
    let enroll = || {
        let body = json!({ "token": token, "publicKey": KeyPair::make().public().to_base64(), "hostname": "host" });
        Request::new("POST", &format!("/v1/{}/enroll/register", owner.vault)).json(&body)
    };
    let statuses = storm(&worlds, racers(&enroll)).await;
    assert_eq!((count(&statuses, 200), count(&statuses, 409)), (10, AT_ONCE - 10), "{statuses:?}");
    let machines = owner.get("/v1/manage/machines").await.json()["machines"].as_array().unwrap().len();
    assert_eq!(machines, 1 + 1 + 10);
    assert_eq!(world.members(&project).await.len(), 1 + 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deployment_gets_one_owner() {
    let world = World::new().await;
    world.store.interleave();
    let sign_up = |n: usize| {
        let body = json!({ "email": format!("p{n}@example.org"), "username": "p", "password": "a long passw0rd!" });
        Request::new("POST", "/v1/account/sign-up").header("x-sikkerkey-request", "1").json(&body)
    };
    let statuses = storm(&[&world, &world.another_process()], (0..8).map(sign_up).collect()).await;
    assert_eq!((count(&statuses, 200), count(&statuses, 403)), (1, 7), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writers_each_get_a_version() {
    let world = World::new().await;
    world.store.interleave();
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("one").await;
    let other = world.another_process();
    let path = format!("/v1/manage/projects/{project}/secrets/{secret}/update");
    let mut writers = JoinSet::new();
    for n in 0..16 {
        let router = if n % 2 == 0 { world.router.clone() } else { other.router.clone() };
        let request = owner.request(&path, Some(&json!({ "value": format!("value {n}") })));
        writers.spawn(async move { e2e::send(router, request).await.expect(200).json()["version"].as_u64().unwrap() });
    }
    let versions: HashSet<u64> = writers.join_all().await.into_iter().collect();
    assert_eq!(versions, (2..=17).collect());
    let values = &world.services.values;
    for version in 1..=17 {
        let key = values.version(secret.parse().unwrap(), version);
        assert!(world.services.store.get(&key).await.unwrap().is_some(), "version {version}");
    }
    assert!(machine.read(&secret).await.expect(200).field("value").starts_with("value "));
    assert_eq!(world.count(&owner, Action::SecretUpdate).await, 16);
}

/// After each of these has answered, no read succeeds: 10,000 of them, by processes that had everything warm.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_taken_away_stays_away() {
    const READS: usize = 10_000;
    let world = World::with(Options { lockout_failures: Some(40), ..Options::default() }).await;
    world.store.interleave();
    let owner = world.owner().await;
    let (one, two) = (world.another_process(), world.another_process());
    let ways = ["freeze", "disable", "detach", "ungrant", "allowlist", "trash", "revoke"];
    for way in ways {
        let (project, secret, machine) = owner.readable("value").await;
        let path = format!("/v1/secret/{secret}");
        let (key, id) = (&machine.key, &machine.id);
        let read = |n: usize| {
            let request =
                signed_request(key, id, "GET", &path, b"", world.now().seconds(), &format!("{way} nonce {n}"));
            // From many addresses: a revoked machine's requests would lock one out.
            request.from(&format!("10.{}.{}.{}", n / 40_000 + 1, n / 200 % 200 + 1, n % 200 + 1))
        };
        for warm in [&one, &two] {
            e2e::send(warm.router.clone(), read(usize::from(std::ptr::eq(warm, &one)) + 1_000_000)).await.expect(200);
        }
        take_away(way, &owner, &project, &secret, &machine).await;
        let statuses = storm(&[&one, &two], (0..READS / ways.len() + 1).map(read).collect()).await;
        assert_eq!(count(&statuses, 200), 0, "{way}");
        assert!(statuses.iter().all(|status| [401, 403, 404, 423].contains(status)), "{way}: {statuses:?}");
        if way == "allowlist" {
            owner.post("/v1/manage/ipallowlist/disable", &json!({})).await.expect(200);
        }
    }
}

async fn take_away(way: &str, owner: &e2e::Person<'_>, project: &str, secret: &str, machine: &Machine<'_>) {
    let nothing = json!({});
    let of_project = |what: &str| format!("/v1/manage/projects/{project}/{what}");
    let of_machine = |what: &str| format!("/v1/manage/machines/{}/{what}", machine.id);
    let answer = match way {
        "freeze" => owner.post(&of_project("freeze"), &nothing).await,
        "disable" | "revoke" => owner.post(&of_machine(way), &nothing).await,
        "detach" => owner.post(&of_project(&format!("machines/{}/detach", machine.id)), &nothing).await,
        "ungrant" => owner.grant(project, machine, &[]).await,
        "allowlist" => owner.post("/v1/manage/ipallowlist/enable", &nothing).await,
        "trash" => owner.post(&of_project(&format!("secrets/{secret}/delete")), &nothing).await,
        other => panic!("{other}"),
    };
    let _ = answer.expect(200);
}
