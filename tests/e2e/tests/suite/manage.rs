//! Management: secrets, machines, grants and the allowlist, with their limits.

use e2e::World;
use rules::audit::Action;
use serde_json::{Value, json};

#[tokio::test]
async fn secrets_are_metadata_to_people() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("p").await;
    let path = format!("/v1/manage/projects/{project}/secrets");
    let body = json!({ "name": "api key", "value": "v", "note": "for the api", "projectId": project });
    let made = owner.post(&path, &body).await.expect(200).json();
    assert_eq!(made.as_object().unwrap().len(), 2, "id and name only: {made}");
    let id = made["id"].as_str().unwrap();
    let row = owner.get(&format!("{path}/{id}")).await.expect(200).json();
    assert_eq!(
        row,
        json!({ "id": id, "name": "api key", "type": "secret", "fieldNames": null, "note": "for the api",
                "version": 1, "policyId": null, "machineCount": 0, "lastAccessedAt": null, "createdAt": world.now().ms() - 1, "updatedAt": world.now().ms() - 1 })
    );
    assert_eq!(owner.get(&path).await.expect(200).json(), json!({ "secrets": [row] }));
    owner.post(&format!("{path}/{id}/delete"), &json!({})).await.expect(200);
    owner.post(&format!("{path}/{id}/delete"), &json!({})).await.error(404);
    owner.post(&format!("{path}/{id}/update"), &json!({ "value": "w" })).await.error(404);
    assert_eq!(owner.get(&path).await.expect(200).json(), json!({ "secrets": [] }));
}

#[tokio::test]
async fn secrets_have_limits() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("p").await;
    let path = format!("/v1/manage/projects/{project}/secrets");
    let fields: Vec<String> = (0..64).map(|n| format!("f{n}")).collect();
    let object: Value = fields.iter().map(|f| (f.clone(), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    let most = json!({ "name": "n".repeat(255), "value": object.to_string(), "fieldNames": fields, "note": "n".repeat(2_048) });
    owner.post(&path, &most).await.expect(200);
    let largest = json!({ "name": "n", "value": "\u{e4}".repeat(32 * 1_024) });
    let id = owner.post(&path, &largest).await.expect(200).field("id");
    let large = "v".repeat(64 * 1_024 + 1);
    for body in [
        json!({ "name": "n" }),
        json!({ "value": "v" }),
        json!({ "name": "n", "value": "" }),
        json!({ "name": "n", "value": large }),
        json!({ "name": "n", "value": 1 }),
        json!({ "name": "n".repeat(256), "value": "v" }),
        json!({ "name": "n", "value": "v", "note": "n".repeat(2_049) }),
        json!({ "name": "n", "value": "v", "projectId": "proj_0000000000" }),
        json!({ "name": "n", "value": "{}", "fieldNames": [] }),
        json!({ "name": "n", "value": "{\"a\":\"1\"}", "fieldNames": ["b"] }),
        json!({ "name": "n", "value": "{\"a\":1}", "fieldNames": ["a"] }),
        json!({ "name": "n", "value": "{\"a\":{}}", "fieldNames": ["a"] }),
        json!({ "name": "n", "value": "{\"a b\":\"1\"}", "fieldNames": ["a b"] }),
    ] {
        let text = owner.post(&path, &body).await.error(422);
        assert!(text.len() < 200, "{text}");
    }
    owner.post(&format!("{path}/{id}/update"), &json!({ "value": large })).await.error(422);
    // A structured secret keeps its fields.
    let body = json!({ "name": "db", "value": "{\"a\":\"1\",\"b\":\"2\"}", "fieldNames": ["a", "b"] });
    let id = owner.post(&path, &body).await.expect(200).field("id");
    owner.post(&format!("{path}/{id}/update"), &json!({ "value": "{\"b\":\"3\",\"a\":\"4\"}" })).await.expect(200);
    owner.post(&format!("{path}/{id}/update"), &json!({ "value": "{\"a\":\"3\"}" })).await.error(422);
    owner.post(&format!("{path}/{id}/update"), &json!({ "value": "plain" })).await.error(422);
}

#[tokio::test]
async fn machines_live_and_end() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("value").await;
    let path = |verb: &str| format!("/v1/manage/machines/{}/{verb}", machine.id);
    let nothing = json!({});

    owner.post(&path("approve"), &nothing).await.expect(200);
    assert_eq!(world.count(&owner, Action::MachineApprove).await, 1, "approving again changes nothing");
    owner.post(&path("deny"), &nothing).await.error(409);
    let pending = owner.pending_machine().await;
    owner.post(&format!("/v1/manage/machines/{}/revoke", pending.id), &nothing).await.error(409);
    owner.post(&format!("/v1/manage/machines/{}/deny", pending.id), &nothing).await.expect(200);
    owner.get(&format!("/v1/manage/machines/{}", pending.id)).await.error(404);

    let preview = owner.post(&path("revoke"), &json!({ "preview": true })).await.expect(200).json();
    assert_eq!((&preview["memberships"], &preview["grants"]), (&json!(1), &json!(1)));
    machine.read(&secret).await.expect(200);
    // As published clients send it: no body at all.
    world.send(owner.request(&path("revoke"), Some(&nothing)).without("content-type")).await.error(415);
    let mut without_body = owner.request(&path("revoke"), Some(&nothing)).without("content-type");
    without_body.body.clear();
    world.send(without_body).await.expect(200);
    machine.read(&secret).await.error(401);
    owner.get(&format!("/v1/manage/machines/{}", machine.id)).await.error(404);
    assert_eq!(world.members(&project).await, [""; 0]);
    assert_eq!(owner.get("/v1/manage/machines").await.expect(200).json(), json!({ "machines": [] }));
    owner.post(&path("enable"), &nothing).await.error(404);
}

#[tokio::test]
async fn grants_are_replaced_as_a_set() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, machine) = (owner.project("p").await, owner.machine().await);
    let elsewhere = owner.project("other").await;
    let foreign = owner.secret(&elsewhere, "foreign", "x").await;
    let mut secrets = vec![];
    for n in 0..200 {
        secrets.push(owner.secret(&project, &format!("s{n}"), "v").await);
    }
    let all: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let path = format!("/v1/manage/projects/{project}/machines/{}/secrets", machine.id);
    let count = async || owner.get(&path).await.expect(200).json()["secretIds"].as_array().unwrap().len();

    owner.grant(&project, &machine, &all).await.error(409);
    owner.attach(&project, &machine).await;
    owner.attach(&project, &machine).await;
    let answer = owner.grant(&project, &machine, &all).await.expect(200).json();
    assert_eq!((&answer["granted"], &answer["revoked"]), (&json!(200), &json!(0)));
    assert_eq!(count().await, 200);
    // Half of them, something of another project and something that is no id.
    let mut half = all[100..].to_vec();
    half.extend([foreign.as_str(), "sk_0000000000", "nonsense"]);
    let answer = owner.grant(&project, &machine, &half).await.expect(200).json();
    assert_eq!((&answer["granted"], &answer["revoked"]), (&json!(0), &json!(100)));
    assert_eq!(count().await, 100);
    // One in the trash keeps its grant if it is listed, and gets none if it had none.
    for id in [all[100], all[0]] {
        owner.post(&format!("/v1/manage/projects/{project}/secrets/{id}/delete"), &json!({})).await.expect(200);
    }
    let answer = owner.grant(&project, &machine, &[all[100], all[0]]).await.expect(200).json();
    assert_eq!((&answer["granted"], &answer["revoked"]), (&json!(0), &json!(99)));
    assert_eq!(owner.get(&path).await.json()["secretIds"], json!([all[100]]));
    owner.grant(&project, &machine, &[]).await.expect(200);
    assert_eq!(count().await, 0);
    let body = json!({ "secretIds": null });
    owner.post(&format!("/v1/manage/projects/{project}/machines/{}/grants", machine.id), &body).await.error(400);

    // Detaching takes the grants along.
    owner.grant(&project, &machine, &[all[1]]).await.expect(200);
    owner.post(&format!("/v1/manage/projects/{project}/machines/{}/detach", machine.id), &json!({})).await.expect(200);
    owner.attach(&project, &machine).await;
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn the_allowlist_is_kept() {
    let world = World::new().await;
    let owner = world.owner().await;
    let path = "/v1/manage/ipallowlist";
    let add = async |cidr: &str| owner.post(path, &json!({ "cidr": cidr })).await;
    let first = add("192.0.2.7").await.expect(200).json();
    assert_eq!(first["cidr"], "192.0.2.7/32");
    add("192.0.2.7/32").await.error(409);
    add("2001:db8::/32").await.expect(200);
    add("10.0.0.0/33").await.error(422);
    owner.post(path, &json!({ "cidr": "10.0.0.0/8", "label": "l".repeat(2_049) })).await.error(422);
    let id = first["id"].as_str().unwrap();
    owner.post(&format!("{path}/{id}/update"), &json!({ "label": "office" })).await.expect(200);
    owner.post(&format!("{path}/{id}/update"), &json!({})).await.expect(200);
    owner.post(&format!("{path}/ipa_0000000000/update"), &json!({})).await.error(404);
    let list = owner.get(path).await.expect(200).json();
    assert_eq!((&list["enabled"], &list["entries"][0]["label"]), (&json!(false), &json!("office")));

    for n in 0..198 {
        add(&format!("10.0.{n}.0/24")).await.expect(200);
    }
    add("10.1.0.0/16").await.error(409);
    let list = owner.get(path).await.expect(200).json();
    let ids: Vec<&str> = list["entries"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 200);
    owner.post(&format!("{path}/{id}/delete"), &json!({})).await.expect(200);
    owner.post(&format!("{path}/{id}/delete"), &json!({})).await.error(404);
    owner.post(&format!("{path}/bulk-delete"), &json!({ "entryIds": null })).await.error(400);
    owner.post(&format!("{path}/bulk-delete"), &json!({ "entryIds": ids })).await.expect(200);
    assert_eq!(owner.get(path).await.json()["entries"], json!([]));
    owner.post(&format!("{path}/enable"), &json!({})).await.expect(200);
    owner.post(&format!("{path}/enable"), &json!({})).await.expect(200);
    assert_eq!(world.count(&owner, Action::AllowlistEnable).await, 1);
}

#[tokio::test]
async fn the_log_is_read_in_pages() {
    let world = World::new().await;
    let owner = world.owner().await;
    for n in 0..25 {
        owner.project(&format!("p{n}")).await;
        // Some days and, once, some months apart.
        world.wait_seconds(if n == 12 { 100 * 86_400 } else { 7_000 });
        if n == 12 {
            return rest(&world, owner.again().await).await;
        }
    }
}

async fn rest(world: &World, owner: e2e::Person<'_>) {
    for n in 13..25 {
        owner.project(&format!("p{n}")).await;
    }
    let mut cursor = Value::Null;
    let mut details = vec![];
    let mut pages = 0;
    loop {
        let body = json!({ "cursor": cursor, "pageSize": 7 });
        let page = owner.post("/v1/manage/audit/query", &body).await.expect(200).json();
        let entries = page["entries"].as_array().unwrap();
        assert!(entries.len() <= 7);
        details.extend(entries.iter().map(|entry| entry["detail"].as_str().unwrap().to_owned()));
        pages += 1;
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let mut expected: Vec<String> = (13..25).rev().map(|n| format!("Project p{n} created")).collect();
    expected.push("Signed in".into());
    expected.extend((0..13).rev().map(|n| format!("Project p{n} created")));
    expected.push("Account created".into());
    assert_eq!(details, expected, "in {pages} pages");
    for body in
        [json!({ "pageSize": 0 }), json!({ "pageSize": 201 }), json!({ "cursor": "x" }), json!({ "cursor": "z-" })]
    {
        owner.post("/v1/manage/audit/query", &body).await.error(422);
    }
    for cursor in ["-", "0-", "9999999999999-", "99999999999999999999-ab", "0000000000000-ffffffff"] {
        let page = owner.post("/v1/manage/audit/query", &json!({ "cursor": cursor })).await.expect(200).json();
        assert!(page["entries"].as_array().unwrap().len() <= 50, "{cursor}");
    }
    let actions = owner.get("/v1/manage/audit/actions").await.expect(200).json();
    assert_eq!(actions["actions"].as_array().unwrap().len(), Action::ALL.len());
    assert_eq!(world.count(&owner, Action::ProjectCreate).await, 25);
}

#[tokio::test]
async fn names_and_notes_change_and_are_remembered() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("value").await;
    let at = |what: &str| format!("/v1/manage/projects/{project}/secrets/{secret}{what}");
    owner.post(&at("/name"), &json!({ "name": "new name" })).await.expect(200);
    owner.post(&at("/note"), &json!({ "note": "a note" })).await.expect(200);
    let row = owner.get(&at("")).await.expect(200).json();
    assert_eq!((&row["name"], &row["note"], &row["version"]), (&json!("new name"), &json!("a note"), &json!(1)));
    owner.post(&at("/note"), &json!({ "note": "" })).await.expect(200);
    assert_eq!(owner.get(&at("")).await.expect(200).json()["note"], json!(null));
    owner.post(&at("/note"), &json!({})).await.error(422);
    owner.post(&at("/name"), &json!({ "name": "n".repeat(256) })).await.error(422);
    machine.read(&secret).await.expect(200);

    let of_machine = |what: &str| format!("/v1/manage/machines/{}/{what}", machine.id);
    for name in ["web", "web", "web-1"] {
        owner.post(&of_machine("rename"), &json!({ "name": name })).await.expect(200);
    }
    let renames = owner.get(&of_machine("name-history")).await.expect(200).json();
    let rows: Vec<_> = renames["renames"].as_array().unwrap().iter().map(|row| (&row["from"], &row["to"])).collect();
    assert_eq!(rows, [(&json!("web"), &json!("web-1")), (&json!("host"), &json!("web"))]);
    owner.post(&of_machine("revoke"), &json!({})).await.expect(200);
    let left = world.services.store.all(store::machine::renames_of(machine.id.parse().unwrap())).await.unwrap();
    assert!(left.is_empty());

    let update = format!("/v1/manage/projects/{project}/update");
    owner.post(&update, &json!({ "description": "for customers" })).await.expect(200);
    owner.post(&update, &json!({ "name": "prod" })).await.expect(200);
    owner.post(&update, &json!({})).await.expect(200);
    owner.post(&update, &json!({ "name": "n".repeat(101) })).await.error(422);
    let list = owner.get("/v1/manage/projects").await.expect(200).json();
    assert_eq!(
        (&list["projects"][0]["name"], &list["projects"][0]["description"]),
        (&json!("prod"), &json!("for customers"))
    );
    assert_eq!(world.count(&owner, Action::ProjectUpdate).await, 2);
}
