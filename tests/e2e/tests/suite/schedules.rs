//! Scheduled rotation: secrets are rotated when it is due, once however late, and whatever is cut off.

use e2e::{Fault, Person, World};
use rules::audit::{Action, ActorKind};
use serde_json::{Value, json};

/// A schedule on a secret, every five minutes.
async fn schedule(owner: &Person<'_>, secret: &str) {
    let body = json!({ "secretId": secret, "intervalSeconds": 300 });
    owner.post("/v1/manage/dynamic-secrets", &body).await.expect(200);
}

async fn shown(owner: &Person<'_>, secret: &str) -> Value {
    owner.get(&format!("/v1/manage/dynamic-secrets/{secret}")).await.expect(200).json()
}

#[tokio::test]
async fn a_secret_is_rotated_when_it_is_due_and_once_when_it_is_late() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    schedule(&owner, &secret).await;
    world.wait_seconds(299);
    assert_eq!(world.rotate().await, 0);
    assert_eq!(machine.read(&secret).await.expect(200).field("value"), "v");
    world.wait_seconds(1);
    assert_eq!(world.rotate().await, 1);
    let first = machine.read(&secret).await.expect(200).field("value");
    assert_eq!(first.len(), 32);
    assert_eq!(world.rotate().await, 0, "the next is due in five minutes");
    let record = world.newest_records(&owner, 5).await.into_iter().find(|row| row.action == Action::SecretRotate);
    let record = record.unwrap();
    assert_eq!(
        (record.actor_kind, record.detail.as_str()),
        (ActorKind::System, "Secret api key rotated by its schedule")
    );
    // A freeze does not stop it.
    owner.post(&format!("/v1/manage/projects/{project}/freeze"), &json!({})).await.expect(200);
    world.wait_seconds(3_000);
    assert_eq!((world.rotate().await, world.rotate().await), (1, 0));
    let owner = owner.again().await;
    let row = shown(&owner, &secret).await;
    let rotated_at = row["lastRotatedAt"].as_u64().unwrap();
    assert!(rotated_at.abs_diff(world.now().ms()) < 1_000, "the clock goes on by milliseconds");
    assert_eq!(row["nextRotationAt"], rotated_at + 300_000);
    owner.post(&format!("/v1/manage/projects/{project}/unfreeze"), &json!({})).await.expect(200);
    assert_ne!(machine.read(&secret).await.expect(200).field("value"), first);
    // By hand it makes a new version, and the schedule stays.
    owner.post(&format!("/v1/manage/projects/{project}/secrets/{secret}/rotate"), &json!({})).await.expect(200);
    assert_eq!(shown(&owner, &secret).await["nextRotationAt"], row["nextRotationAt"]);
}

#[tokio::test]
async fn chosen_fields_rotate_and_the_others_stay() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, _, machine) = owner.readable("v").await;
    let body = json!({ "projectId": project, "name": "db", "intervalSeconds": 300, "charset": "numbers", "length": 8,
                       "fieldNames": ["host", "user", "password"], "staticFields": { "host": "db-1", "user": "app" } });
    let secret = owner.post("/v1/manage/dynamic-secrets", &body).await.expect(200).field("id");
    owner.grant(&project, &machine, &[&secret]).await.expect(200);
    let value =
        async || -> Value { serde_json::from_str(&machine.read(&secret).await.expect(200).field("value")).unwrap() };
    let first = value().await;
    assert_eq!((&first["host"], &first["user"]), (&json!("db-1"), &json!("app")));
    let digits = |value: &Value| value["password"].as_str().unwrap().bytes().all(|byte| byte.is_ascii_digit());
    assert!(digits(&first) && first["password"].as_str().unwrap().len() == 8);
    world.wait_seconds(300);
    assert_eq!(world.rotate().await, 1);
    let second = value().await;
    assert_eq!((&second["host"], &second["user"]), (&first["host"], &first["user"]));
    assert!(digits(&second) && second["password"] != first["password"]);
    for action in [Action::SecretCreate, Action::ScheduleCreate] {
        assert!(world.audit(&owner).await.iter().any(|row| row.action == action && row.detail.contains("db")));
    }
}

#[tokio::test]
async fn a_schedule_is_paused_resumed_changed_and_deleted() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, _) = owner.readable("v").await;
    schedule(&owner, &secret).await;
    let of_secret = format!("/v1/manage/projects/{project}/secrets/{secret}");
    let of_schedule = format!("/v1/manage/dynamic-secrets/{secret}");
    let update = async |body: Value| owner.post(&format!("{of_schedule}/update"), &body).await.expect(200);
    let by_hand = json!({ "value": "another" });
    assert_eq!(owner.post(&format!("{of_secret}/update"), &by_hand).await.code(409), "value_fixed");
    let back = json!({ "version": 1 });
    assert_eq!(owner.post(&format!("{of_secret}/rollback"), &back).await.code(409), "value_fixed");
    update(json!({ "enabled": false })).await;
    owner.post(&format!("{of_secret}/update"), &by_hand).await.expect(200);
    world.wait_seconds(250);
    assert_eq!(world.rotate().await, 0);
    // It was due 50 s after that, and is late when it is resumed.
    world.wait_seconds(100);
    update(json!({ "enabled": true })).await;
    assert_eq!((world.rotate().await, world.rotate().await), (1, 0));
    // Another interval counts from now.
    update(json!({ "intervalSeconds": 600 })).await;
    world.wait_seconds(599);
    assert_eq!(world.rotate().await, 0);
    world.wait_seconds(1);
    assert_eq!(world.rotate().await, 1);
    let owner = owner.again().await;
    owner.post(&format!("{of_schedule}/delete"), &json!({})).await.expect(200);
    assert_eq!(owner.get(&of_schedule).await.code(404), "schedule_not_found");
    assert_eq!(owner.get("/v1/manage/dynamic-secrets").await.expect(200).json(), json!({ "dynamicSecrets": [] }));
    world.wait_seconds(3_600);
    assert_eq!(world.rotate().await, 0);
}

#[tokio::test]
async fn the_trash_stops_a_schedule_and_a_purge_ends_it() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    schedule(&owner, &secret).await;
    let delete = format!("/v1/manage/projects/{project}/secrets/{secret}/delete");
    owner.post(&delete, &json!({})).await.expect(200);
    world.wait_seconds(300);
    assert_eq!(world.rotate().await, 1, "looked at");
    assert_eq!(world.count(&owner, Action::SecretRotate).await, 0, "and left alone");
    assert_eq!(world.rotate().await, 0);
    owner.post(&format!("/v1/manage/trash/{secret}/restore"), &json!({})).await.expect(200);
    assert_eq!((world.rotate().await, world.rotate().await), (1, 0), "it is late, and rotates once");
    assert_eq!(machine.read(&secret).await.expect(200).field("value").len(), 32);
    let owner = owner.again().await;
    owner.post(&delete, &json!({})).await.expect(200);
    owner.post(&format!("/v1/manage/trash/{secret}/purge"), &json!({})).await.expect(200);
    world.wait_seconds(3_600);
    assert_eq!(world.rotate().await, 0);
    let rest = world.services.store.count(store::schedule::of_vault(owner.vault.parse().unwrap())).await.unwrap();
    assert_eq!(rest, 0, "nothing is left in the list");
}

/// Fifty versions, a name, a policy with its counts, and a schedule are as much as one transaction takes.
#[tokio::test]
async fn a_secret_with_all_that_can_hang_on_it_is_destroyed_at_once() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    let update = format!("/v1/manage/projects/{project}/secrets/{secret}/update");
    for n in 0..50 {
        owner.post(&update, &json!({ "value": format!("value {n}") })).await.expect(200);
    }
    schedule(&owner, &secret).await;
    let policy = json!({ "name": "short", "ttlExpiresAt": world.now().ms() + 60_000, "ttlMaxReads": 100 });
    let policy = owner.post(&format!("/v1/manage/projects/{project}/policies"), &policy).await.expect(200).field("id");
    owner.post(&format!("/v1/manage/secrets/{secret}/binding"), &json!({ "policyId": policy })).await.expect(200);
    machine.read(&secret).await.expect(200);
    world.wait_seconds(60);
    assert_eq!(world.sweep().await, 1);
    assert_eq!(world.count(&owner, Action::SecretPurge).await, 1);
    world.wait_seconds(300);
    assert_eq!(world.rotate().await, 0);
}

/// Ten thousand that are due at the same minute, in a deep run.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_that_are_due_at_once_are_worked_off() {
    let many = if e2e::is_deep() { 10_000 } else { 100 };
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("p").await;
    for n in 0..many {
        let body = json!({ "projectId": project, "name": format!("secret {n}"), "intervalSeconds": 300 });
        owner.post("/v1/manage/dynamic-secrets", &body).await.expect(200);
    }
    world.wait_seconds(300);
    let mut rotated = 0;
    // A run works for 40 s at most; the next goes on.
    while rotated < many {
        let run = world.rotate().await;
        assert!(run > 0, "{rotated}");
        rotated += run;
    }
    assert_eq!((rotated, world.rotate().await), (many, 0));
    assert_eq!(world.count(&owner, Action::SecretRotate).await, many);
}

/// Whatever call goes wrong, the run after it rotates what was not, and nothing twice.
#[tokio::test]
async fn a_rotation_that_was_cut_off_happens_once() {
    // They wait most of the time: for answers that come late, and before they try again.
    let [a, b, c, d, e] = Fault::ALL.map(cut_off_by);
    tokio::join!(a, b, c, d, e);
}

async fn cut_off_by(fault: Fault) {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("p").await;
    for call in 0..8 {
        let secret = owner.secret(&project, &format!("secret {call}"), "v").await;
        schedule(&owner, &secret).await;
        world.wait_seconds(300);
        world.store.fail(call, fault, true);
        let _ = world.try_rotate().await;
        world.store.heal();
        world.rotate().await;
        assert_eq!(world.count(&owner, Action::SecretRotate).await, call + 1, "{fault:?} at call {call}");
        owner.post(&format!("/v1/manage/dynamic-secrets/{secret}/delete"), &json!({})).await.expect(200);
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_what_to_do() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, _) = owner.readable("v").await;
    let canary = json!({ "projectId": project, "name": "canary" });
    let canary = owner.post("/v1/manage/canaries", &canary).await.expect(200).field("id");
    let new = |more: Value| {
        let mut body = json!({ "projectId": project, "name": "new", "intervalSeconds": 300 });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (body, status, error) in [
        (json!({ "intervalSeconds": 300 }), 422, "secretId must be given, or projectId and name for a new secret"),
        (
            new(json!({ "secretId": secret })),
            422,
            "secretId is of a secret that is there; leave projectId and name out",
        ),
        (json!({ "secretId": secret, "intervalSeconds": 299 }), 422, "intervalSeconds must be 300 to 2592000"),
        (
            json!({ "secretId": secret, "intervalSeconds": 300, "note": "n" }),
            422,
            "note is of a new secret; leave it out",
        ),
        (
            json!({ "secretId": secret, "intervalSeconds": 300, "fields": ["a"] }),
            422,
            "fields can be named for structured secrets only; leave it out",
        ),
        (json!({ "projectId": project, "intervalSeconds": 300 }), 422, "name must be given"),
        (new(json!({ "fields": ["a"] })), 422, "fields needs fieldNames"),
        (new(json!({ "staticFields": { "a": "1" } })), 422, "staticFields needs fieldNames"),
        (
            new(json!({ "fieldNames": ["a", "b"], "fields": ["a"] })),
            422,
            "fields and the keys of staticFields together must be fieldNames, each name once",
        ),
        (
            new(json!({ "fieldNames": ["a"], "staticFields": { "b": "1" } })),
            422,
            "fields and the keys of staticFields must be in fieldNames",
        ),
        (
            new(json!({ "fieldNames": ["a"], "staticFields": { "a": "1" } })),
            422,
            "fields must name a field that rotates",
        ),
        (json!({ "secretId": canary, "intervalSeconds": 300 }), 409, "The value of a canary cannot be changed"),
        (json!({ "secretId": "sk_0000000000", "intervalSeconds": 300 }), 404, "Secret not found"),
    ] {
        assert_eq!(owner.post("/v1/manage/dynamic-secrets", &body).await.error(status), error, "{body}");
    }
    owner
        .post("/v1/manage/dynamic-secrets", &new(json!({ "fieldNames": ["a"], "staticFields": { "a": 1 } })))
        .await
        .error(422);
    schedule(&owner, &secret).await;
    let again = json!({ "secretId": secret, "intervalSeconds": 300 });
    assert_eq!(owner.post("/v1/manage/dynamic-secrets", &again).await.code(409), "schedule_exists");
}
