//! The line of a request: what it says, and when metrics are in it.

use e2e::{World, keys, logged};
use edge::{Error, Telemetry};
use rules::audit::{Action, ActorKind, Origin};
use serde_json::Value;
use store::meter::{Counted, measured};

/// Lines of this function, as far as they were written by now. Other tests of this program write some too.
fn lines(function: &str) -> Vec<Value> {
    let logs = logged();
    let lines = logs.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["function"] == function).collect()
}

#[tokio::test]
async fn each_request_has_its_line() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    for _ in 0..2 {
        machine.read(&secret).await.expect(200);
    }
    let is_plain = |line: &Value| line["store_calls"] == 2 && line["status"] == 200 && line["_aws"].is_null();
    let line = lines("read-secret").into_iter().find(is_plain).unwrap();
    assert_eq!(
        keys(&line),
        [
            "cold",
            "duration_ms",
            "function",
            "key_calls",
            "level",
            "outcome",
            "request_id",
            "route",
            "status",
            "store_calls",
            "timestamp"
        ]
    );
    assert_eq!((&line["route"], &line["outcome"]), (&"GET /v1/secret/{secretId}".into(), &"ok".into()));
    assert_eq!(line["request_id"].as_str().unwrap().len(), 16);

    machine.read("sk_0000000000").await.error(404);
    let refused = |line: &Value| line["outcome"] == "refused" && line["reason"] == "secret not found";
    assert!(lines("read-secret").iter().any(|line| refused(line) && line["status"] == 404));
    // What no function takes has a line too.
    world.send(e2e::Request::new("GET", "/nowhere")).await.error(404);
    assert!(lines("none").iter().any(|line| line["status"] == 404));
}

#[tokio::test]
async fn a_lockout_is_a_metric_and_so_is_an_error_of_ours() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, _, machine) = owner.readable("value").await;
    for _ in 0..10 {
        world.send(machine.request("GET", "/v1/cli/projects", b"").replace("x-timestamp", "1")).await.error(401);
    }
    // On a store of their own worlds have prefixes of their own; in this process all have the same.
    let deployment = world.services.config.table_prefix.as_str();
    let lockouts = |line: &&Value| {
        line["Lockouts"] == 1 && line["route"] == "GET /v1/cli/projects" && line["Deployment"] == deployment
    };
    let all = lines("list-secrets");
    let line = all.iter().find(lockouts).unwrap();
    assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], "SikkerKey");
    assert_eq!((&line["ServerErrors"], &line["level"]), (&0.into(), &"WARN".into()));
    assert!(all.iter().any(|line| line["status"] == 401 && line.get("_aws").is_none()), "nothing to count, no metrics");

    world.keys.set_down(true);
    owner.post("/v1/manage/projects", &serde_json::json!({ "name": "p" })).await.error(503);
    let failed = |line: &Value| line["ServerErrors"] == 1 && line["level"] == "ERROR" && line["outcome"] == "failed";
    assert!(lines("manage-projects").iter().any(failed));
}

#[tokio::test]
async fn an_error_that_the_caller_counts_is_not_counted_twice() {
    let world = World::new().await;
    let telemetry = Telemetry::new(&world.services.base()).counted_by_the_caller();
    let failed: Result<(), Error> =
        telemetry.observe("seal-secret", "a test", "its-id", async { Err(Error::internal("broken")) }).await;
    assert!(failed.is_err());
    let line = lines("seal-secret").into_iter().find(|line| line["request_id"] == "its-id").unwrap();
    assert_eq!((&line["outcome"], &line["level"], line.get("_aws")), (&"failed".into(), &"ERROR".into(), None));
}

#[tokio::test(start_paused = true)]
async fn a_start_does_not_wait_for_keys_for_ever() {
    let world = World::new().await;
    world.owner().await.readable("value").await;
    world.another_process().services.prepare().await;
    world.keys.hang();
    let services = world.services_of("read-secret");
    // The time stands still, so this ends at once or never.
    services.prepare().await;
}

#[tokio::test]
async fn a_critical_record_is_counted() {
    let world = World::new().await;
    let owner = world.owner().await;
    let origin = Origin {
        vault: owner.vault.parse().unwrap(),
        owner: owner.id.parse().unwrap(),
        actor: ActorKind::Machine,
        address: None,
        at: world.now(),
        kept_days: 365,
    };
    let audit = world.services.store.audit();
    for (action, expected) in [(Action::CanaryTriggered, 1), (Action::SecretRead, 0)] {
        let (written, counts) = measured(audit.record(&origin.entry(action, "by a test"))).await;
        written.unwrap();
        assert_eq!((counts.of(Counted::CriticalRecord), counts.of(Counted::StoreCall)), (expected, 1), "{action:?}");
    }
}
