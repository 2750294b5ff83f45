//! Secrets through their lives: the trash, versions, generated values, fields.

use e2e::World;
use rules::audit::Action;
use serde_json::json;

#[tokio::test]
async fn the_trash_keeps_a_secret_for_thirty_days() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable_in("production", "the marker value").await;
    let delete = format!("/v1/manage/projects/{project}/secrets/{secret}/delete");
    let at = |what: &str| format!("/v1/manage/trash/{secret}/{what}");
    owner.post(&at("restore"), &json!({})).await.error(404);
    owner.post(&at("purge"), &json!({})).await.error(404);
    owner.post(&delete, &json!({})).await.expect(200);
    machine.read(&secret).await.error(404);
    let trash = owner.get("/v1/manage/trash").await.expect(200).json();
    let row = &trash["secrets"][0];
    assert_eq!((&row["id"], &row["projectName"]), (&json!(secret), &json!("production")));
    assert_eq!(row["purgedAt"].as_u64().unwrap() - row["deletedAt"].as_u64().unwrap(), 30 * 86_400_000);
    // Restored, it is as it was, with its grants; and what was due to purge it is not any more.
    owner.post(&at("restore"), &json!({})).await.expect(200);
    machine.read(&secret).await.expect(200);
    world.wait_seconds(31 * 86_400);
    assert_eq!(world.sweep().await, 0);
    machine.read(&secret).await.expect(200);

    let owner = owner.again().await;
    owner.post(&delete, &json!({})).await.expect(200);
    world.wait_seconds(30 * 86_400 - 1);
    assert_eq!(world.sweep().await, 0);
    world.wait_seconds(1);
    assert_eq!(world.sweep().await, 1);
    assert_eq!(world.count(&owner, Action::SecretPurge).await, 1);
    let (store, values) = (&world.services.store, &world.services.values);
    let id = secret.parse().unwrap();
    assert!(store.get(&values.current(id)).await.unwrap().is_none());
    assert!(store.get(&values.version(id, 1)).await.unwrap().is_none());
    assert!(store.all(store::grant::of_machine(machine.id.parse().unwrap(), None)).await.unwrap().is_empty());

    let owner = owner.again().await;
    let other = owner.secret(&project, "s", "v").await;
    owner.post(&format!("/v1/manage/projects/{project}/secrets/{other}/delete"), &json!({})).await.expect(200);
    owner.post(&format!("/v1/manage/trash/{other}/purge"), &json!({})).await.expect(200);
    owner.post(&format!("/v1/manage/trash/{other}/restore"), &json!({})).await.error(404);
    assert_eq!(world.count(&owner, Action::SecretPurge).await, 2);
}

#[tokio::test]
async fn values_are_generated_rolled_back_and_kept_for_fifty_versions() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("the first value").await;
    let at = |what: &str| format!("/v1/manage/projects/{project}/secrets/{secret}/{what}");
    let read = async || machine.read(&secret).await.expect(200).field("value");
    let rotated = owner.post(&at("rotate"), &json!({})).await.expect(200).json();
    assert_eq!(rotated, json!({ "id": secret, "version": 2 }));
    assert_eq!(read().await.len(), 32);
    owner.post(&at("rotate"), &json!({ "length": 8, "charset": "numbers" })).await.expect(200);
    assert!(read().await.len() == 8 && read().await.bytes().all(|byte| byte.is_ascii_digit()));
    owner.post(&at("rotate"), &json!({ "charset": "uuid" })).await.expect(200);
    assert_eq!(read().await.len(), 36);
    for body in [
        json!({ "length": 0 }),
        json!({ "length": 1_025 }),
        json!({ "charset": "emoji" }),
        json!({ "fields": ["password"] }),
    ] {
        owner.post(&at("rotate"), &body).await.error(422);
    }
    let back = owner.post(&at("rollback"), &json!({ "version": 1 })).await.expect(200).json();
    assert_eq!(back, json!({ "id": secret, "version": 5 }));
    assert_eq!(read().await, "the first value");
    for version in [0, 6, u64::MAX] {
        owner.post(&at("rollback"), &json!({ "version": version })).await.error(404);
    }
    for _ in 0..47 {
        owner.post(&at("update"), &json!({ "value": "another value" })).await.expect(200);
    }
    let versions = owner.get(&at("versions")).await.expect(200).json();
    let versions: Vec<u64> =
        versions["versions"].as_array().unwrap().iter().map(|row| row["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, (3..=52).rev().collect::<Vec<_>>());
    owner.post(&at("rollback"), &json!({ "version": 2 })).await.error(404);
    owner.post(&at("rollback"), &json!({ "version": 3 })).await.expect(200);
    assert_eq!(world.count(&owner, Action::SecretRotate).await, 3);
    // All fifty go together.
    owner.post(&at("delete"), &json!({})).await.expect(200);
    owner.post(&format!("/v1/manage/trash/{secret}/purge"), &json!({})).await.expect(200);
    let (store, id) = (&world.services.store, secret.parse().unwrap());
    assert!(store.versions(id).await.unwrap().is_empty());
    let grants = async || store.all(store::grant::of_machine(machine.id.parse().unwrap(), None)).await.unwrap().len();
    assert_eq!((grants().await, world.sweep().await, grants().await), (1, 1, 0));
    for version in 1..=54 {
        assert!(store.get(&world.services.values.version(id, version)).await.unwrap().is_none(), "{version}");
    }
}

#[tokio::test]
async fn fields_of_a_structured_secret_are_rotated_one_by_one() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, _, machine) = owner.readable("value").await;
    let secrets = format!("/v1/manage/projects/{project}/secrets");
    let value = json!({ "user": "app user name", "password": "", "port": "5432" }).to_string();
    let body = json!({ "name": "db", "value": value, "fieldNames": ["user", "password", "port"] });
    let id = owner.post(&secrets, &body).await.expect(200).field("id");
    owner.grant(&project, &machine, &[&id]).await.expect(200);
    let read = async || {
        let text = machine.read(&id).await.expect(200).field("value");
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let made = read().await;
    assert_eq!((&made["user"], &made["port"]), (&json!("app user name"), &json!("5432")));
    assert_eq!(made["password"].as_str().unwrap().len(), 32, "a blank field is generated");
    let rotate = format!("{secrets}/{id}/rotate");
    owner.post(&rotate, &json!({ "fields": ["password"], "length": 12 })).await.expect(200);
    let one = read().await;
    assert_eq!((&one["user"], &one["port"]), (&made["user"], &made["port"]));
    assert!(one["password"] != made["password"] && one["password"].as_str().unwrap().len() == 12);
    owner.post(&rotate, &json!({})).await.expect(200);
    let all = read().await;
    assert!(["user", "password", "port"].iter().all(|field| all[field] != one[field]), "no field named: all");
    owner.post(&rotate, &json!({ "fields": ["host"] })).await.error(422);
    let update = json!({ "value": r#"{"user":"u"}"# });
    owner.post(&format!("{secrets}/{id}/update"), &update).await.error(422);
}
