//! Lists, export and poll: what a machine sees of what it is granted.

use e2e::{Machine, Person, World};
use rules::audit::Action;
use serde_json::{Value, json};

/// Two projects; the machine is in both and granted some of each.
async fn two_projects<'w>(owner: &Person<'w>) -> (String, String, [String; 3], Machine<'w>) {
    let (one, two) = (owner.project("one").await, owner.project("two").await);
    let plain = owner.secret(&one, "plain", "{\"looks\":\"like json\"}").await;
    let path = format!("/v1/manage/projects/{one}/secrets");
    let body = json!({ "name": "db", "value": "{\"user\":\"u\",\"pw\":\"p\"}", "fieldNames": ["user", "pw"] });
    let structured = owner.post(&path, &body).await.expect(200).field("id");
    let other = owner.secret(&two, "other", "o").await;
    owner.secret(&one, "ungranted", "x").await;
    let machine = owner.machine().await;
    owner.attach(&one, &machine).await;
    owner.attach(&two, &machine).await;
    owner.grant(&one, &machine, &[&plain, &structured]).await.expect(200);
    owner.grant(&two, &machine, &[&other]).await.expect(200);
    (one, two, [plain, structured, other], machine)
}

fn ids(list: &Value) -> Vec<&str> {
    list["secrets"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

async fn set_frozen(owner: &Person<'_>, project: &str, frozen: bool) {
    let verb = if frozen { "freeze" } else { "unfreeze" };
    owner.post(&format!("/v1/manage/projects/{project}/{verb}"), &json!({})).await.expect(200);
}

#[tokio::test]
async fn lists_show_what_is_granted_and_nothing_else() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (one, two, [plain, structured, other], machine) = two_projects(&owner).await;
    machine.get("/v1/secrets").await.expect(200);
    world.store.forget();
    let list = machine.get("/v1/secrets").await.expect(200).json();
    // Who asks, the nonce, the grants, what they hang on.
    world.assert_calls(&["BatchGetItem", "PutItem", "Query", "BatchGetItem"]);
    assert_eq!(
        list,
        json!({ "secrets": [
            { "id": plain, "name": "plain", "fieldNames": null, "projectId": one },
            { "id": structured, "name": "db", "fieldNames": "[\"user\",\"pw\"]", "projectId": one },
            { "id": other, "name": "other", "fieldNames": null, "projectId": two },
        ]})
    );
    let of_project = machine.post("/v1/secrets/list", &json!({ "projectId": two })).await.expect(200).json();
    assert_eq!(ids(&of_project), [&other]);

    assert_eq!(
        machine.get("/v1/cli/projects").await.expect(200).json(),
        json!({ "projects": [{ "projectId": one, "projectName": "one" }, { "projectId": two, "projectName": "two" }] })
    );
    let cli = machine.get("/v1/cli/secrets").await.expect(200).json();
    assert_eq!(
        cli["secrets"][1],
        json!({ "id": structured, "name": "db", "fieldNames": "[\"user\",\"pw\"]", "projectId": one,
                "projectName": "one", "type": "structured" })
    );
    assert_eq!(
        machine.post("/v1/verify-access", &json!({ "projectId": one })).await.expect(200).json(),
        json!({ "valid": true, "projectName": "one", "error": null })
    );

    // A freeze hides nothing from lists, and the lists are not in the log.
    set_frozen(&owner, &one, true).await;
    assert_eq!(ids(&machine.get("/v1/secrets").await.expect(200).json()).len(), 3);
    machine.post("/v1/secrets/list", &json!({ "projectId": one })).await.expect(200);
    machine.post("/v1/verify-access", &json!({ "projectId": one })).await.expect(200);
    assert!(world.audit(&owner).await.iter().all(|r| r.machine_id.is_none() || r.action != Action::SecretRead));

    // A machine with nothing gets an empty list, not null.
    let nobody = owner.machine().await;
    assert_eq!(nobody.get("/v1/secrets").await.expect(200).json(), json!({ "secrets": [] }));
    for path in ["/v1/secrets/list", "/v1/verify-access", "/v1/secrets/export"] {
        nobody.post(path, &json!({ "projectId": one })).await.error(403);
        nobody.post(path, &json!({ "projectId": "proj_0000000000" })).await.error(404);
        nobody.post(path, &json!({ "projectId": "anything" })).await.error(404);
    }
}

#[tokio::test]
async fn export_gives_every_admitted_value_and_records_each() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (one, two, [plain, structured, other], machine) = two_projects(&owner).await;
    // As a client without a scope sends it: no body, no content type.
    let all = world.send(machine.request("POST", "/v1/secrets/export", b"")).await.expect(200).json();
    assert_eq!(
        all,
        json!({ "secrets": [
            { "id": plain, "name": "plain", "value": "{\"looks\":\"like json\"}", "fieldNames": null },
            { "id": structured, "name": "db", "value": "{\"user\":\"u\",\"pw\":\"p\"}", "fieldNames": "[\"user\",\"pw\"]" },
            { "id": other, "name": "other", "value": "o", "fieldNames": null },
        ]})
    );
    assert_eq!(world.count(&owner, Action::SecretRead).await, 3);
    assert_eq!(world.count(&owner, Action::SecretExport).await, 1);

    let scoped = machine.post("/v1/secrets/export", &json!({ "projectId": two })).await.expect(200).json();
    assert_eq!(ids(&scoped), [&other]);

    // Unscoped, a frozen project is left out and that is recorded; scoped to it, 423.
    set_frozen(&owner, &one, true).await;
    let rest = machine.post("/v1/secrets/export", &json!({})).await.expect(200).json();
    assert_eq!(ids(&rest), [&other]);
    assert_eq!(world.count(&owner, Action::SecretReadDenied).await, 2);
    machine.post("/v1/secrets/export", &json!({ "projectId": one })).await.error(423);
    machine.post("/v1/secrets/export", &json!({ "applicationId": "app" })).await.error(404);

    // The same export again is a replay, and a refused one burns its nonce too.
    let request = machine.request("POST", "/v1/secrets/export", b"");
    world.send(request.clone()).await.expect(200);
    world.send(request).await.error(401);
    let request = machine.request("POST", "/v1/secrets/export", json!({ "projectId": one }).to_string().as_bytes());
    world.send(request.clone()).await.error(423);
    set_frozen(&owner, &one, false).await;
    world.send(request).await.error(401);
    machine.post("/v1/secrets/export", &json!({ "projectId": null })).await.error(400);
    // So does one whose body is malformed.
    let request = machine.request("POST", "/v1/secrets/export", b"{");
    world.send(request.clone()).await.error(400);
    world.send(request).await.error(401);
}

#[tokio::test]
async fn export_has_a_limit_in_bytes() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("large").await;
    let value = "v".repeat(64 * 1024);
    let mut secrets = vec![];
    for n in 0..92 {
        secrets.push(owner.secret(&project, &format!("s{n}"), &value).await);
    }
    let machine = owner.machine().await;
    owner.attach(&project, &machine).await;
    let ids: Vec<&str> = secrets.iter().map(String::as_str).collect();
    owner.grant(&project, &machine, &ids[..91]).await.expect(200);
    let all = machine.post("/v1/secrets/export", &json!({})).await.expect(200).json();
    assert_eq!(all["secrets"].as_array().unwrap().len(), 91);
    owner.grant(&project, &machine, &ids).await.expect(200);
    let reads = world.count(&owner, Action::SecretRead).await;
    machine.post("/v1/secrets/export", &json!({})).await.error(413);

    // What counts is the size as a text in JSON in the function's answer, where a quotation mark takes four bytes.
    let quotes = owner.project("quotes").await;
    let mut secrets = vec![];
    for n in 0..23 {
        secrets.push(owner.secret(&quotes, &format!("s{n}"), &"\"".repeat(64 * 1024)).await);
    }
    let ids: Vec<&str> = secrets.iter().map(String::as_str).collect();
    owner.attach(&quotes, &machine).await;
    owner.grant(&quotes, &machine, &ids[..22]).await.expect(200);
    machine.post("/v1/secrets/export", &json!({ "projectId": quotes })).await.expect(200);
    owner.grant(&quotes, &machine, &ids).await.expect(200);
    machine.post("/v1/secrets/export", &json!({ "projectId": quotes })).await.error(413);
    assert_eq!(world.count(&owner, Action::SecretRead).await, reads + 22, "what is refused is not recorded as read");
}

async fn poll(machine: &Machine<'_>, watch: &[&str]) -> Value {
    machine.post("/v1/secrets/poll", &json!({ "watch": watch })).await.expect(200).json()["changes"].take()
}

#[tokio::test]
async fn poll_reports_against_what_was_delivered() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("one").await;
    let update = format!("/v1/manage/projects/{project}/secrets/{secret}/update");
    let watch = [secret.as_str()];
    let changed = json!({ &secret: { "status": "changed" } });

    // Nothing delivered yet: the current version becomes the record and is no news.
    assert_eq!(poll(&machine, &watch).await, json!({}));
    owner.post(&update, &json!({ "value": "two" })).await.expect(200);
    // Told until it is fetched, so a lost answer loses nothing.
    assert_eq!(poll(&machine, &watch).await, changed);
    assert_eq!(poll(&machine, &watch).await, changed);
    machine.read(&secret).await.expect(200);
    assert_eq!(poll(&machine, &watch).await, json!({}));
    // An export delivers too.
    owner.post(&update, &json!({ "value": "three" })).await.expect(200);
    assert_eq!(poll(&machine, &watch).await, changed);
    machine.post("/v1/secrets/export", &json!({})).await.expect(200);
    assert_eq!(poll(&machine, &watch).await, json!({}));
    // Steady state writes nothing but the nonce.
    world.store.forget();
    poll(&machine, &watch).await;
    world.assert_calls(&["BatchGetItem", "PutItem", "Query", "BatchGetItem"]);

    // A freeze is temporary and is no news.
    owner.post(&update, &json!({ "value": "four" })).await.expect(200);
    set_frozen(&owner, &project, true).await;
    assert_eq!(poll(&machine, &watch).await, json!({}));
    set_frozen(&owner, &project, false).await;
    assert_eq!(poll(&machine, &watch).await, changed);

    let ungranted = owner.secret(&project, "ungranted", "x").await;
    assert_eq!(
        poll(&machine, &[&ungranted, "sk_0000000000", "anything"]).await,
        json!({
            &ungranted: { "status": "access_denied" },
            "sk_0000000000": { "status": "deleted" },
            "anything": { "status": "deleted" },
        })
    );
    owner.grant(&project, &machine, &[]).await.expect(200);
    assert_eq!(poll(&machine, &watch).await, json!({ &secret: { "status": "access_denied" } }));
    owner.grant(&project, &machine, &[&secret]).await.expect(200);
    owner.post(&format!("/v1/manage/projects/{project}/secrets/{secret}/delete"), &json!({})).await.expect(200);
    assert_eq!(poll(&machine, &watch).await, json!({ &secret: { "status": "deleted" } }));
    assert_eq!(world.count(&owner, Action::SecretRead).await, 2, "a poll is not a read");
}

#[tokio::test]
async fn poll_takes_two_thousand_ids() {
    let world = World::new().await;
    let owner = world.owner().await;
    let machine = owner.machine().await;
    let ids: Vec<String> = (0..2_001).map(|n| format!("sk_{n:010}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(poll(&machine, &ids[1..]).await.as_object().unwrap().len(), 2_000);
    machine.post("/v1/secrets/poll", &json!({ "watch": ids })).await.error(422);
    assert_eq!(poll(&machine, &[]).await, json!({}));
}
