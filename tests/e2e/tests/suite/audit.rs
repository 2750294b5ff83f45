//! The audit log: searched, sorted, exported, counted; and what follows it.

use e2e::{Person, World};
use rules::audit::Action;
use serde_json::{Value, json};
use store::audit::Seen;

async fn query(owner: &Person<'_>, body: Value) -> Value {
    owner.post("/v1/manage/audit/query", &body).await.expect(200).json()
}

fn actions(page: &Value) -> Vec<String> {
    page["entries"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_log_is_searched() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable_in("production", "the marker value").await;
    machine.read(&secret).await.expect(200);
    machine.read("sk_0000000000").await.error(404);
    let agent = owner.agent(&["projects.read"], &[]).await;
    agent.get("/v1/ai/projects").await.expect(200);

    let page = query(&owner, json!({ "actions": ["secret_read", "secret_read_denied"] })).await;
    assert_eq!(actions(&page), ["secret_read_denied", "secret_read"]);
    assert_eq!((&page["total"], &page["totalIsExact"], &page["nextCursor"]), (&json!(2), &json!(true), &Value::Null));
    let read = &page["entries"][1];
    assert_eq!((&read["actorKind"], &read["actorName"]), (&json!("machine"), &json!("host")));
    assert_eq!((&read["secretId"], &read["machineId"]), (&json!(secret), &json!(machine.id)));
    assert_eq!(
        (&read["projectId"], &read["aiAgentId"], &read["userId"]),
        (&json!(project), &Value::Null, &json!(owner.id))
    );
    let page = query(&owner, json!({ "actions": ["ai_agent_access"] })).await;
    assert_eq!(
        (&page["entries"][0]["actorName"], &page["entries"][0]["aiAgentId"]),
        (&json!("helper"), &json!(agent.id))
    );

    assert_eq!(actions(&query(&owner, json!({ "severities": ["high", "critical"] })).await), [""; 0]);
    assert_eq!(actions(&query(&owner, json!({ "search": "PRODUCTION created" })).await), ["project_create"]);
    assert_eq!(query(&owner, json!({ "sourceIp": "192.0.2.9" })).await["total"], 1);
    let at = read["timestamp"].clone();
    let page = query(&owner, json!({ "from": at, "to": at })).await;
    assert_eq!(actions(&page), ["secret_read"]);
    let all = query(&owner, json!({ "pageSize": 200 })).await;
    let number = all["entries"].as_array().unwrap().len();
    assert_eq!((all["total"].as_u64().unwrap(), &all["totalIsExact"]), (number as u64, &json!(true)));
    let two = query(&owner, json!({ "pageSize": 2, "page": 2 })).await;
    assert_eq!(two["entries"], json!(all["entries"].as_array().unwrap()[2..4]));
    assert_eq!(two["totalIsExact"], false);

    let sorted = |page: &Value, key: &str| {
        let keys: Vec<String> = page["entries"].as_array().unwrap().iter().map(|e| e[key].to_string()).collect();
        keys
    };
    let up = query(&owner, json!({ "sortBy": "action", "sortDir": "asc" })).await;
    assert!(sorted(&up, "action").is_sorted());
    let down = query(&owner, json!({ "sortBy": "action" })).await;
    assert!(sorted(&down, "action").iter().rev().is_sorted());
    let oldest = query(&owner, json!({ "sortDir": "asc" })).await;
    assert_eq!(actions(&oldest)[0], "account_create");
    for body in [
        json!({ "actions": ["no_such_action"] }),
        json!({ "severities": ["bad"] }),
        json!({ "sortBy": "detail" }),
        json!({ "from": 2, "to": 1 }),
        json!({ "pageSize": 0 }),
        json!({ "page": 201 }),
        json!({ "cursor": "x" }),
        json!({ "limit": 1 }),
        // Seconds.
        json!({ "from": 1_800_000_000 }),
        json!({ "to": 1_000_000 }),
    ] {
        owner.post("/v1/manage/audit/query", &body).await.error(422);
    }
    for (body, field) in [(json!({ "pageSize": "x" }), "pageSize"), (json!({ "severities": [1] }), "severities[0]")] {
        let text = owner.post("/v1/manage/audit/query", &body).await.error(422);
        assert!(text.starts_with(field), "{text}");
    }
    let activity = owner.get("/v1/manage/activity").await.expect(200).json();
    assert_eq!(activity["events"].as_array().unwrap().len(), 20, "with the refusals just now");
}

#[tokio::test]
async fn the_log_is_exported_as_csv() {
    let world = World::new().await;
    let owner = world.owner().await;
    owner.project("one, \"two\"").await;
    let machine = owner.machine().await;
    let path = format!("/v1/manage/machines/{}/rename", machine.id);
    owner.post(&path, &json!({ "name": "web" })).await.expect(200);
    let answer = owner.post("/v1/manage/audit/export", &json!({ "search": "created" })).await.expect(200);
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    assert!(!answer.headers.contains_key("x-sikkerkey-truncated"));
    let text = answer.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "timestamp,action,severity,actorKind,userId,machineId,aiAgentId,secretId,sourceIp,detail,actorUserId"
    );
    let end = format!(",Bootstrap token created,{}", owner.id);
    assert!(lines[1].ends_with(&end), "{}", lines[1]);
    let end = format!(",192.0.2.1,\"Project one, \"\"two\"\" created\",{}", owner.id);
    assert!(lines[2].ends_with(&end), "{}", lines[2]);
    assert!(lines[2].contains(&format!(",project_create,low,user,{},,,,", owner.id)), "{}", lines[2]);
    assert_eq!(lines.len(), 4, "and the account: {text}");
    assert_eq!(world.count(&owner, Action::AuditExport).await, 1);
    owner.post("/v1/manage/audit/export", &json!({ "actions": ["x"] })).await.error(422);
}

/// Each filter by itself, on a log in which every other one would find something else.
#[tokio::test]
async fn records_are_found_by_what_they_concern() {
    let world = World::with(e2e::Options { open_sign_up: true, ..e2e::Options::default() }).await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("one").await;
    let (_, other, other_machine) = owner.readable("two").await;
    let agent = owner.agent(&["projects.write"], &[]).await;
    agent.post("/v1/ai/projects", &json!({ "name": "by the agent" })).await.expect(200);
    machine.read(&secret).await.expect(200);
    other_machine.read(&other).await.expect(200);
    let found = async |body: Value| query(&owner, body).await;
    let is = async |body: Value, key: &str, value: &str, number: usize| {
        let page = found(body.clone()).await;
        let entries = page["entries"].as_array().unwrap().clone();
        assert!(entries.iter().all(|entry| entry[key] == value), "{body}: {page}");
        assert_eq!(entries.len(), number, "{body}: {page}");
    };
    // Made, granted, read.
    is(json!({ "secretId": secret }), "secretId", &secret, 3).await;
    is(json!({ "secretId": secret, "actions": ["secret_read"] }), "secretId", &secret, 1).await;
    is(json!({ "machineId": machine.id }), "machineId", &machine.id, 5).await;
    is(json!({ "projectId": project }), "projectId", &project, 5).await;
    is(json!({ "aiAgentId": agent.id }), "aiAgentId", &agent.id, 1).await;
    is(json!({ "actorKind": "machine" }), "actorKind", "machine", 2).await;
    is(json!({ "actorKind": "external" }), "actorKind", "external", 3).await;
    let by_owner = found(json!({ "actorUserId": owner.id, "pageSize": 200 })).await;
    let by_people = found(json!({ "actorKind": "user", "pageSize": 200 })).await;
    assert_eq!((&by_owner["total"], &by_owner["entries"]), (&by_people["total"], &by_people["entries"]));
    is(json!({ "secretId": "sk_0000000000" }), "secretId", "", 0).await;

    // Who read this since then: one query, whatever else there is.
    world.store.forget();
    found(json!({ "secretId": secret, "actions": ["secret_read"], "from": world.now().ms() - 60_000 })).await;
    let queries = world.store.operations().into_iter().filter(|operation| *operation == "Query").count();
    assert_eq!(queries, 1);
    // Of another vault there is nothing.
    let stranger = Person::sign_up(&world, "stranger@example.org").await;
    for other in [json!({ "secretId": secret }), json!({ "aiAgentId": agent.id }), json!({ "machineId": machine.id })] {
        assert_eq!(query(&stranger, other).await["total"], 0);
    }
}

fn entry(world: &World, owner: &Person<'_>, action: Action, at: u64, detail: &str) -> rules::audit::Record {
    let actor = action.kind().actors[0];
    let (vault, id) = (owner.vault.parse().unwrap(), owner.id.parse().unwrap());
    let at = rules::Time::from_ms(at);
    let origin = rules::audit::Origin { vault, owner: id, actor, address: None, at, kept_days: 365 };
    assert!(world.has_own_clock());
    origin.entry(action, detail)
}

/// A record is found whatever the clocks say: that of whoever wrote it, and that of whoever looks.
#[tokio::test]
async fn every_record_is_found_whatever_the_clock_says() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (now, year) = (world.now().ms(), 365 * 86_400_000);
    for (at, detail) in [(5, "very old"), (now - 3 * year, "old"), (now + 10 * year, "of a time to come")] {
        for action in [Action::SecretRead, Action::ProjectFreeze] {
            world.services.store.audit().record(&entry(&world, &owner, action, at, detail)).await.unwrap();
        }
    }
    for sort in ["asc", "desc"] {
        let page = query(&owner, json!({ "search": "o", "sortDir": sort })).await;
        let told = page["entries"].as_array().unwrap().iter().map(|entry| entry["detail"].as_str().unwrap());
        let mut told: Vec<_> = told.filter(|detail| detail.contains("ol") || detail.contains("come")).collect();
        if sort == "desc" {
            told.reverse();
        }
        let expected = ["very old", "very old", "old", "old", "of a time to come", "of a time to come"];
        assert_eq!(told, expected, "{sort}");
    }
    let later = query(&owner, json!({ "from": now + year })).await;
    assert_eq!(later["total"], 2);
    let earlier = query(&owner, json!({ "from": 0, "to": 10 })).await;
    assert_eq!(earlier["total"], 2);
}

/// What is rare costs by what is found and not by the length of the log, and the log has no end in either direction.
#[tokio::test]
async fn a_long_log_is_read_to_its_end_and_what_is_rare_costs_little() {
    const READS: u64 = 10_500;
    let world = World::new().await;
    let owner = world.owner().await;
    owner.project("the only one").await;
    let start = world.now().ms();
    let reads = (0..READS).map(|n| entry(&world, &owner, Action::SecretRead, start + n, &format!("read {n}")));
    world.services.store.audit().record_all(reads.collect()).await.unwrap();
    world.store.forget();
    let rare = query(&owner, json!({ "actions": ["project_create"] })).await;
    assert_eq!((&rare["total"], &rare["totalIsExact"]), (&json!(1), &json!(true)));
    let queries = world.store.operations().into_iter().filter(|operation| *operation == "Query").count();
    assert_eq!(queries, 1);

    let (mut cursor, mut told) = (Value::Null, vec![]);
    loop {
        let body = json!({ "actions": ["secret_read"], "sortDir": "asc", "cursor": cursor, "pageSize": 200 });
        let page = query(&owner, body).await;
        told.extend(
            page["entries"].as_array().unwrap().iter().map(|entry| entry["detail"].as_str().unwrap().to_owned()),
        );
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert!(told.iter().eq((0..READS).map(|n| format!("read {n}")).collect::<Vec<_>>().iter()));

    let (mut cursor, mut rows) = (None::<String>, 0);
    loop {
        let body = json!({ "actions": ["secret_read"], "cursor": cursor });
        let answer = owner.post("/v1/manage/audit/export", &body).await.expect(200);
        rows += answer.text().lines().count() - 1;
        cursor = answer.headers.get("x-sikkerkey-cursor").map(|cursor| cursor.to_str().unwrap().to_owned());
        assert_eq!(answer.headers.contains_key("x-sikkerkey-truncated"), cursor.is_some());
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(rows as u64, READS);
}

/// Nothing of ours changes a record or deletes one before its time; if somebody does, the log says so.
#[tokio::test]
async fn a_record_that_was_changed_or_deleted_is_a_critical_record() {
    let world = World::new().await;
    let owner = world.owner().await;
    let follow = world.follow_audit();
    let was = entry(&world, &owner, Action::ProjectDelete, 7, "Project p deleted");
    let seen = [Seen::Replaced(was.clone()), Seen::Deleted(was.clone()), Seen::Deleted(was)];
    assert_eq!(follow.run(&seen).await.unwrap(), 3);
    let log = world.audit(&owner).await;
    let told: Vec<_> = log.iter().filter(|record| record.action == Action::AuditRecordChange).collect();
    assert_eq!(told.len(), 2, "once for each");
    assert!(told.iter().all(|record| record.severity == rules::audit::Severity::Critical));
    assert!(told[0].detail.contains("project_delete at 7 was"), "{}", told[0].detail);
}

#[tokio::test]
async fn reads_are_counted_by_whoever_follows_the_log() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("the marker value").await;
    let stats = async || owner.get("/v1/manage/stats").await.expect(200).json();
    let row = async || owner.get(&format!("/v1/manage/projects/{project}/secrets/{secret}")).await.expect(200).json();
    assert_eq!((&row().await["machineCount"], &row().await["lastAccessedAt"]), (&json!(1), &Value::Null));
    let before = world.now();
    for _ in 0..3 {
        machine.read(&secret).await.expect(200);
    }
    let last = world.now();
    machine.read("sk_0000000000").await.error(404);
    machine.post("/v1/secrets/export", &json!({})).await.expect(200);
    let exported = world.now();
    // The path of a read pays nothing for it: nothing is counted until the log is followed.
    assert_eq!(stats().await["readsLast24Hours"], 0);
    assert_eq!(world.catch_up().await, 5);
    assert!(last < exported);
    assert_eq!(row().await["lastAccessedAt"], exported.ms());
    let now = stats().await;
    assert_eq!((&now["readsLast24Hours"], &now["deniedLast24Hours"]), (&json!(4), &json!(1)));
    assert_eq!((&now["projects"], &now["secrets"], &now["machines"]), (&json!(1), &json!(1), &json!(1)));

    world.wait_seconds(3 * 3_600);
    machine.read(&secret).await.expect(200);
    assert_eq!(world.catch_up().await, 1);
    let over = async |body: Value| owner.post("/v1/manage/stats/reads-over-time", &body).await.expect(200).json();
    let hours = over(json!({})).await;
    let buckets = hours["buckets"].as_array().unwrap();
    assert_eq!((buckets.len(), &hours["bucket"]), (24, &json!("hour")));
    let reads: Vec<u64> = buckets.iter().map(|bucket| bucket["reads"].as_u64().unwrap()).collect();
    assert_eq!((reads[23], reads[20], reads.iter().sum::<u64>()), (1, 4, 5));
    let days = over(json!({ "bucket": "day", "from": before.ms() })).await;
    assert_eq!(days["buckets"].as_array().unwrap().iter().map(|b| b["reads"].as_u64().unwrap()).sum::<u64>(), 5);
    for body in [json!({ "bucket": "week" }), json!({ "from": 0 }), json!({ "from": 2, "to": 1 })] {
        owner.post("/v1/manage/stats/reads-over-time", &body).await.error(422);
    }
    let usage = owner.get("/v1/manage/usage").await.expect(200).json();
    assert_eq!((&usage["plan"], &usage["projects"]), (&json!("unlimited"), &json!({ "used": 1, "limit": null })));
}
