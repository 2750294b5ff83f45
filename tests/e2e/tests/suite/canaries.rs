//! Canaries: what a read of one brings about, that no machine can tell one from another secret, and their management.

use std::collections::BTreeSet;

use e2e::{Answer, Machine, Person, World};
use rules::audit::{Action, ActorKind, Severity};
use rules::scope::Scope;
use serde_json::{Value, json};

use crate::races::{count, storm};

/// A canary beside a secret, in a project, and a machine that may read both.
struct Scene<'w> {
    world: &'w World,
    owner: &'w Person<'w>,
    project: String,
    secret: String,
    canary: String,
    machine: Machine<'w>,
}

impl<'w> Scene<'w> {
    async fn of(world: &'w World, owner: &'w Person<'w>, name: &str, settings: Value) -> Self {
        let project = owner.project(name).await;
        let secret = owner.secret(&project, "api key", &"v".repeat(64)).await;
        let mut body = json!({ "projectId": project, "name": "root key" });
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let canary = owner.post("/v1/manage/canaries", &body).await.expect(200).field("id");
        let machine = owner.machine().await;
        owner.attach(&project, &machine).await;
        owner.grant(&project, &machine, &[&secret, &canary]).await.expect(200);
        machine.read(&secret).await.expect(200);
        Self { world, owner, project, secret, canary, machine }
    }

    async fn unfreeze(&self) {
        let owner = self.owner.again().await;
        owner.post(&format!("/v1/manage/projects/{}/unfreeze", self.project), &json!({})).await.expect(200);
    }

    async fn shown(&self) -> Value {
        self.owner.get(&format!("/v1/manage/canaries/{}", self.canary)).await.expect(200).json()
    }

    async fn is_frozen(&self, project: &str) -> bool {
        let body = json!({ "frozen": true });
        let frozen = self.owner.post("/v1/manage/projects/query", &body).await.expect(200).json();
        frozen["projects"].as_array().unwrap().iter().any(|row| row["id"] == project)
    }
}

#[tokio::test]
async fn a_read_freezes_the_project_and_gives_the_value() {
    let world = World::new().await;
    let owner = world.owner().await;
    let scene = Scene::of(&world, &owner, "p", json!({})).await;
    let value = scene.machine.read(&scene.canary).await.expect(200).field("value");
    assert_eq!(value.len(), 64);
    assert!(scene.is_frozen(&scene.project).await);
    for secret in [&scene.secret, &scene.canary] {
        assert_eq!(scene.machine.read(secret).await.code(423), "project_frozen");
    }
    let log = world.newest_records(&owner, 4).await;
    let tripped = log.iter().find(|record| record.action == Action::CanaryTriggered).unwrap();
    assert_eq!((tripped.severity, tripped.actor_kind), (Severity::Critical, ActorKind::Machine));
    assert_eq!(tripped.secret_id, Some(scene.canary.parse().unwrap()));
    let frozen = log.iter().find(|record| record.action == Action::ProjectFreeze).unwrap();
    assert_eq!(
        (frozen.actor_kind, frozen.detail.as_str()),
        (ActorKind::System, "Project p frozen: canary root key was read")
    );
    assert_eq!(world.count(&owner, Action::SecretRead).await, 1, "in place of that record");

    let shown = scene.shown().await;
    assert_eq!((&shown["fireCount"], &shown["lastTrippedAt"]), (&json!(1), &json!(tripped.timestamp)));
    assert_eq!(
        shown["trips"],
        json!([{ "at": tripped.timestamp, "machineId": scene.machine.id, "machineName": "host",
                 "sourceIp": "192.0.2.7", "frozenProjectIds": [scene.project] }])
    );
    // It stays armed.
    scene.unfreeze().await;
    world.wait_seconds(1);
    scene.machine.read(&scene.canary).await.expect(200);
    assert!(scene.is_frozen(&scene.project).await);
    assert_eq!(scene.shown().await["fireCount"], 2);
}

/// Whatever a thief of a machine's key looks at is the same.
#[tokio::test]
async fn no_machine_can_tell_a_canary() {
    let world = World::new().await;
    let owner = world.owner().await;
    let scene = Scene::of(&world, &owner, "p", json!({})).await;
    let same = |one: &Value, other: &Value| {
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(one), names(other));
        assert_eq!(one["type"], other["type"]);
    };
    for path in ["/v1/secrets", "/v1/cli/secrets"] {
        let listed = scene.machine.get(path).await.expect(200).json();
        let rows = listed["secrets"].as_array().unwrap_or_else(|| listed.as_array().unwrap());
        assert_eq!(rows.len(), 2, "{path}: {listed}");
        same(&rows[0], &rows[1]);
    }
    let watch = json!({ "watch": [scene.secret, scene.canary] });
    scene.machine.post("/v1/secrets/poll", &watch).await.expect(200);
    let changes = scene.machine.post("/v1/secrets/poll", &watch).await.expect(200).json()["changes"].clone();
    assert_eq!(changes, json!({}));
    let stranger = owner.machine().await;
    owner.attach(&scene.project, &stranger).await;
    let (of_secret, of_canary) = (stranger.read(&scene.secret).await, stranger.read(&scene.canary).await);
    assert_eq!((of_secret.status, of_secret.text()), (of_canary.status, of_canary.text()));
    assert!(!scene.is_frozen(&scene.project).await, "an ungranted attempt trips nothing");

    let read = async |secret: &str| -> (Answer, usize) {
        world.store.forget();
        let answer = scene.machine.read(secret).await.expect(200);
        (answer, world.store.operations().len())
    };
    // Neither is delivered for the first time.
    scene.machine.read(&scene.canary).await.expect(200);
    scene.unfreeze().await;
    let ((of_secret, calls), (of_canary, canary_calls)) = (read(&scene.secret).await, read(&scene.canary).await);
    let headers = |answer: &Answer| -> BTreeSet<(String, usize)> {
        let all = answer.headers.iter().filter(|(name, _)| *name != "date");
        all.map(|(name, value)| (name.to_string(), value.len())).collect()
    };
    assert_eq!(headers(&of_secret), headers(&of_canary));
    assert_eq!(of_secret.text().len(), of_canary.text().len());
    assert_eq!((calls, canary_calls), (2, 2), "one read and one write");
}

#[tokio::test]
async fn an_export_trips_and_serves_its_set() {
    let world = World::new().await;
    let owner = world.owner().await;
    let scene = Scene::of(&world, &owner, "p", json!({})).await;
    let body = json!({ "projectId": scene.project, "name": "another root key" });
    let second = owner.post("/v1/manage/canaries", &body).await.expect(200).field("id");
    let all = [scene.secret.as_str(), scene.canary.as_str(), second.as_str()];
    owner.grant(&scene.project, &scene.machine, &all).await.expect(200);
    let exported = scene.machine.post("/v1/secrets/export", &json!({})).await.expect(200).json();
    let ids: Vec<_> = exported["secrets"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
    assert_eq!(ids, all, "the whole set, in its order");
    assert!(scene.is_frozen(&scene.project).await);
    assert_eq!(world.count(&owner, Action::CanaryTriggered).await, 2);
    assert_eq!(world.count(&owner, Action::ProjectFreeze).await, 1);
    let again = scene.machine.post("/v1/secrets/export", &json!({})).await.expect(200).json();
    assert_eq!(again["secrets"], json!([]), "a frozen project is left out");
    assert_eq!(world.count(&owner, Action::CanaryTriggered).await, 2, "and nothing trips there");
}

#[tokio::test]
async fn a_canary_does_what_it_is_set_to() {
    let world = World::new().await;
    let owner = world.owner().await;
    let scene = Scene::of(&world, &owner, "p", json!({ "enabled": false, "triggerFreezeProject": false })).await;
    let one = format!("/v1/manage/canaries/{}", scene.canary);
    let set = async |path: &str, body: Value| {
        owner.post(&format!("{one}/{path}"), &body).await.expect(200);
    };
    // Disarmed, it is read like any other secret.
    scene.machine.read(&scene.canary).await.expect(200);
    assert_eq!(world.count(&owner, Action::CanaryTriggered).await, 0);
    set("enable", json!({})).await;
    set("enable", json!({})).await;
    assert_eq!(world.count(&owner, Action::CanaryEnable).await, 1, "the second time nothing changed");
    for fired in 1..3 {
        scene.machine.read(&scene.canary).await.expect(200);
        assert_eq!(scene.shown().await["fireCount"], fired);
        world.wait_seconds(1);
    }
    assert!(!scene.is_frozen(&scene.project).await);
    set("config", json!({ "triggerFreezeProject": true })).await;
    scene.machine.read(&scene.canary).await.expect(200);
    assert!(scene.is_frozen(&scene.project).await);
    set("disable", json!({})).await;
    let detail = world.newest_records(&owner, 1).await.remove(0);
    assert_eq!((detail.action, detail.severity), (Action::CanaryDisable, Severity::High));
}

#[tokio::test]
async fn related_projects_are_those_that_share_a_machine() {
    let world = World::new().await;
    let owner = world.owner().await;
    let scene = Scene::of(&world, &owner, "p", json!({ "triggerFreezeRelatedProjects": true })).await;
    let (related, unrelated) = (owner.project("related").await, owner.project("unrelated").await);
    owner.attach(&related, &scene.machine).await;
    scene.machine.read(&scene.canary).await.expect(200);
    assert!(!scene.is_frozen(&related).await, "the read takes no longer than another");
    world.catch_up().await;
    let stats = owner.get("/v1/manage/stats").await.expect(200).json();
    assert_eq!(stats["readsLast24Hours"], 2, "a trip is a read: {stats}");
    assert!(scene.is_frozen(&related).await && !scene.is_frozen(&unrelated).await);
    assert_eq!(world.count(&owner, Action::ProjectFreeze).await, 2);
    let frozen = scene.shown().await["trips"][0]["frozenProjectIds"].clone();
    let frozen: BTreeSet<_> = frozen.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    assert_eq!(frozen, BTreeSet::from([scene.project.clone(), related.clone()]));
    // An agent is told of projects that it may see.
    let agent = owner.agent(&[Scope::PoliciesRead.name()], &[&scene.project]).await;
    let seen = agent.get(&format!("/v1/ai/canaries/{}", scene.canary)).await.expect(200).json();
    assert_eq!(seen["trips"][0]["frozenProjectIds"], json!([scene.project]));
}

/// After the answer no read of the project succeeds, from whichever process, however warm it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_trip_nobody_reads() {
    let reads = if e2e::is_deep() { 10_000 } else { 500 };
    let world = World::new().await;
    let owner = world.owner().await;
    let scene = Scene::of(&world, &owner, "p", json!({})).await;
    let others = [world.another_process(), world.another_process()];
    let read = |secret: &str| scene.machine.request("GET", &format!("/v1/secret/{secret}"), b"");
    for other in &others {
        other.send(read(&scene.secret)).await.expect(200);
    }
    scene.machine.read(&scene.canary).await.expect(200);
    let requests = (0..reads).map(|_| read(&scene.secret)).collect();
    let statuses = storm(&[&world, &others[0], &others[1]], requests).await;
    assert_eq!(count(&statuses, 423), reads, "{statuses:?}");
}

/// Of many who read a canary at once, each that is served is a trip, and the project is frozen once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_freeze_once() {
    let world = World::new().await;
    let owner = world.owner().await;
    let scene = Scene::of(&world, &owner, "p", json!({})).await;
    let other = world.another_process();
    let path = format!("/v1/secret/{}", scene.canary);
    let requests = (0..64).map(|_| scene.machine.request("GET", &path, b"")).collect();
    let statuses = storm(&[&world, &other], requests).await;
    let served = count(&statuses, 200);
    assert_eq!((served, count(&statuses, 423)), (1, 63), "{statuses:?}");
    assert_eq!(scene.world.count(&owner, Action::CanaryTriggered).await, 1);
    assert_eq!(world.count(&owner, Action::ProjectFreeze).await, 1);
}

#[tokio::test]
async fn a_canary_is_kept_like_a_secret_but_for_its_value() {
    let world = World::new().await;
    let owner = world.owner().await;
    let scene = Scene::of(&world, &owner, "p", json!({})).await;
    let one = format!("/v1/manage/projects/{}/secrets/{}", scene.project, scene.canary);
    assert_eq!(owner.get(&one).await.expect(200).json()["type"], "canary");
    for (path, body) in
        [("update", json!({ "value": "v" })), ("rotate", json!({})), ("rollback", json!({ "version": 1 }))]
    {
        assert_eq!(owner.post(&format!("{one}/{path}"), &body).await.code(409), "value_fixed", "{path}");
        let newest = world.newest_records(&owner, 1).await.remove(0);
        let denied = if path == "rotate" { Action::SecretRotateDenied } else { Action::RequestInvalid };
        assert_eq!((newest.action, newest.secret_id), (denied, Some(scene.canary.parse().unwrap())), "{path}");
    }
    assert_eq!(world.count(&owner, Action::RequestInvalid).await, 2, "each refusal leaves one record");
    let policies = format!("/v1/manage/projects/{}/policies", scene.project);
    let policy = owner.post(&policies, &json!({ "name": "p" })).await.expect(200).field("id");
    let binding = format!("/v1/manage/secrets/{}/binding", scene.canary);
    assert_eq!(owner.post(&binding, &json!({ "policyId": policy })).await.code(409), "policy_not_bindable");
    owner.post(&format!("{one}/name"), &json!({ "name": "renamed" })).await.expect(200);

    let of_project = format!("/v1/manage/projects/{}/canaries", scene.project);
    let listed = owner.get(&of_project).await.expect(200).json();
    assert_eq!(listed["canaries"].as_array().unwrap().len(), 1);
    assert_eq!((&listed["canaries"][0]["name"], &listed["canaries"][0]["enabled"]), (&json!("renamed"), &json!(true)));
    for (query, found) in [(json!({ "enabled": false }), 0), (json!({ "name": "RENAMED", "enabled": true }), 1)] {
        let listed = owner.post(&format!("{of_project}/query"), &query).await.expect(200).json();
        assert_eq!(listed["canaries"].as_array().unwrap().len(), found, "{query}");
    }
    // Any other secret is no canary, and a name is had once.
    assert_eq!(owner.get(&format!("/v1/manage/canaries/{}", scene.secret)).await.code(404), "canary_not_found");
    let body = json!({ "projectId": scene.project, "name": "api key" });
    assert_eq!(owner.post("/v1/manage/canaries", &body).await.code(409), "name_taken");
    // In the trash it is read by nobody, and restored it is what it was.
    owner.post(&format!("{one}/delete"), &json!({})).await.expect(200);
    scene.machine.read(&scene.canary).await.expect(404);
    owner.get(&format!("/v1/manage/canaries/{}", scene.canary)).await.expect(404);
    owner.post(&format!("/v1/manage/trash/{}/restore", scene.canary), &json!({})).await.expect(200);
    scene.machine.read(&scene.canary).await.expect(200);
    assert!(scene.is_frozen(&scene.project).await);
}
