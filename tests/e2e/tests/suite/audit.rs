//! The audit log: searched, sorted, exported, counted; and what follows it.

use e2e::{Person, World};
use rules::audit::Action;
use serde_json::{Value, json};

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
    let (project, secret, machine) = owner.readable("the marker value").await;
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
    assert_eq!(lines[0], "timestamp,action,severity,actorKind,userId,machineId,aiAgentId,secretId,sourceIp,detail");
    assert!(lines[1].ends_with(",Bootstrap token created"), "{}", lines[1]);
    assert!(lines[2].ends_with(",192.0.2.1,\"Project one, \"\"two\"\" created\""), "{}", lines[2]);
    assert!(lines[2].contains(&format!(",project_create,low,user,{},,,,", owner.id)), "{}", lines[2]);
    assert_eq!(lines.len(), 4, "and the account: {text}");
    assert_eq!(world.count(&owner, Action::AuditExport).await, 1);
    owner.post("/v1/manage/audit/export", &json!({ "actions": ["x"] })).await.error(422);
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
