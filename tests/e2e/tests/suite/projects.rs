//! Projects: made, frozen, listed with their machines, and deleted with everything in them.

use e2e::{Fault, World};
use rules::audit::Action;
use serde_json::json;

#[tokio::test]
async fn projects_are_made_and_listed_in_order() {
    let world = World::new().await;
    let owner = world.owner().await;
    let path = "/v1/manage/projects";
    let made = owner.post(path, &json!({ "name": "one", "description": "first" })).await.expect(200).json();
    assert_eq!((&made["name"], &made["description"], &made["frozen"]), (&json!("one"), &json!("first"), &json!(false)));
    assert!(made.get("masterKey").is_none());
    owner.post(path, &json!({ "name": "\u{e4}".repeat(100) })).await.expect(200);
    for body in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": "n".repeat(101) }),
        json!({ "name": "a\u{0}b" }),
        json!({ "name": 1 }),
        json!({ "name": "n", "description": "d".repeat(2_049) }),
        json!({ "name": "n", "colour": "red" }),
    ] {
        owner.post(path, &body).await.error(422);
    }
    let list = owner.get(path).await.expect(200).json();
    let names: Vec<&str> = list["projects"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["one", &"\u{e4}".repeat(100)]);
}

#[tokio::test]
async fn freezing_twice_changes_nothing_and_is_recorded_once() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("p").await;
    let path = |verb: &str| format!("/v1/manage/projects/{project}/{verb}");
    owner.post(&path("unfreeze"), &json!({})).await.expect(200);
    owner.post(&path("freeze"), &json!({ "reason": "first" })).await.expect(200);
    owner.post(&path("freeze"), &json!({ "reason": "second" })).await.expect(200);
    let list = owner.get("/v1/manage/projects").await.expect(200).json();
    assert_eq!(list["projects"][0]["freezeReason"], "first");
    assert_eq!(world.count(&owner, Action::ProjectFreeze).await, 1);
    assert_eq!(world.count(&owner, Action::ProjectUnfreeze).await, 0);
    owner.post("/v1/manage/projects/proj_0000000000/freeze", &json!({})).await.error(404);
}

/// A project's end takes everything in it along, in steps that the sweep finishes.
#[tokio::test]
async fn a_project_is_deleted_with_everything_in_it() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable_in("production", "the marker value").await;
    let trashed = owner.secret(&project, "trashed", "v").await;
    let at = |what: &str| format!("/v1/manage/projects/{project}/{what}");
    owner.post(&at(&format!("secrets/{trashed}/delete")), &json!({})).await.expect(200);
    let preview = owner.post(&at("delete"), &json!({ "preview": true })).await.expect(200).json();
    let counts = json!({ "secrets": 2, "versions": 2, "canaries": 0, "grants": 1, "memberships": 1,
                         "policies": 0, "temporarySecrets": 0 });
    assert_eq!((&preview["preview"], &preview["counts"]), (&json!(true), &counts));
    machine.read(&secret).await.expect(200);
    for body in [json!({}), json!({ "confirmName": "Production" }), json!({ "confirmName": "" })] {
        owner.post(&at("delete"), &body).await.error(422);
    }
    let deleted = owner.post(&at("delete"), &json!({ "confirmName": "production" })).await.expect(200).json();
    assert_eq!(deleted["deleted"], counts);
    machine.read(&secret).await.error(404);
    owner.post(&at("delete"), &json!({ "confirmName": "production" })).await.error(404);
    owner.get(&at(&format!("secrets/{secret}"))).await.error(404);
    assert_eq!(owner.get("/v1/manage/trash").await.expect(200).json(), json!({ "secrets": [] }));
    world.wait_seconds(60);
    assert_eq!(world.sweep().await, 1);
    assert_eq!(world.sweep().await, 0);
    let store = &world.services.store;
    let id = project.parse().unwrap();
    assert!(
        store.all(store::secret::of_project(id)).await.unwrap().is_empty()
            && store.all(store::member::of_project(id)).await.unwrap().is_empty()
    );
    assert!(store.all(store::grant::of_project(id, None)).await.unwrap().is_empty());
    assert!(store.get(&world.services.values.current(secret.parse().unwrap())).await.unwrap().is_none());
    assert_eq!(world.count(&owner, Action::ProjectDelete).await, 1);
}

/// What is left of a project is removed in steps: a sweep that is cut off at any call is taken up by the next.
#[tokio::test(start_paused = true)]
async fn a_removal_of_a_project_that_was_cut_off_is_taken_up() {
    let world = World::new().await;
    let owner = world.owner().await;
    for nth in 0..40 {
        let owner = owner.again().await;
        let (project, secret, machine) = owner.readable_in("production", "the marker value").await;
        let path = format!("/v1/manage/projects/{project}/delete");
        owner.post(&path, &json!({ "confirmName": "production" })).await.expect(200);
        machine.read(&secret).await.error(404);
        world.wait_seconds(61);
        world.store.fail(nth, Fault::Error, true);
        let through = world.try_sweep().await.is_ok();
        world.store.heal();
        world.sweep().await;
        let (store, id) = (&world.services.store, project.parse().unwrap());
        assert!(store.all(store::secret::of_project(id)).await.unwrap().is_empty(), "cut off at call {nth}");
        assert!(
            store.all(store::member::of_project(id)).await.unwrap().is_empty()
                && store.all(store::grant::of_project(id, None)).await.unwrap().is_empty()
        );
        assert!(store.get(&world.services.values.current(secret.parse().unwrap())).await.unwrap().is_none());
        if through {
            assert!(nth > 8, "the removal makes more calls than {nth}");
            return;
        }
    }
    panic!("the removal never came through");
}

#[tokio::test]
async fn a_projects_machines_are_searched_sorted_and_paged() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, first) = owner.readable("value").await;
    let names = ["beta", "alpha", "Gamma"];
    let rename = async |machine: &e2e::Machine<'_>, name: &str| {
        owner.post(&format!("/v1/manage/machines/{}/rename", machine.id), &json!({ "name": name })).await.expect(200);
    };
    rename(&first, names[0]).await;
    for name in &names[1..] {
        let machine = owner.machine().await;
        rename(&machine, name).await;
        owner.attach(&project, &machine).await;
    }
    owner.grant(&project, &first, &[&secret]).await.expect(200);
    let path = format!("/v1/manage/projects/{project}/machines/query");
    let found = async |body: serde_json::Value| {
        let answer = owner.post(&path, &body).await.expect(200).json();
        let rows = answer["machines"].as_array().unwrap();
        let names: Vec<String> = rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
        (names.join(" "), answer["total"].as_u64().unwrap())
    };
    assert_eq!(found(json!({})).await, ("beta alpha Gamma".into(), 3));
    assert_eq!(found(json!({ "sortBy": "name" })).await.0, "alpha beta Gamma");
    assert_eq!(found(json!({ "sortBy": "name", "sortDir": "desc" })).await.0, "Gamma beta alpha");
    assert!(found(json!({ "sortBy": "secretCount", "sortDir": "desc" })).await.0.starts_with("beta"));
    assert_eq!(found(json!({ "search": "AM" })).await, ("Gamma".into(), 1));
    assert_eq!(found(json!({ "search": first.id[..8] })).await, ("beta".into(), 1));
    assert_eq!(found(json!({ "page": 2, "pageSize": 2 })).await, ("Gamma".into(), 3));
    assert_eq!(found(json!({ "page": 3, "pageSize": 2 })).await, (String::new(), 3));
    for body in [
        json!({ "sortBy": "size" }),
        json!({ "sortDir": "up" }),
        json!({ "page": 0 }),
        json!({ "pageSize": 201 }),
        json!({ "order": "name" }),
    ] {
        owner.post(&path, &body).await.error(422);
    }
}
