//! Plans: limits that nobody passes, however many try at once; what a smaller plan leaves; retention; and the operator.

use aws_sdk_dynamodb::types::AttributeValue;
use crypto::KeyPair;
use e2e::{Answer, Fault, Options, Person, Request, World};
use rules::audit::{Action, ActorKind, Severity};
use serde_json::{Value, json};

use crate::races::{count, storm};

const PLANS: &str = r#"{
    "small": {"name": "Small", "projects": 2, "secrets": 3, "machines": 2, "aiAgents": 1, "enrollmentTokens": 1,
              "ipAllowlist": false, "auditRetentionDays": 30},
    "none": {"projects": 0},
    "free": {}
}"#;

/// A world in which new vaults have this plan.
async fn world(default_plan: &str) -> World {
    let default_plan = Some(default_plan.to_owned());
    World::with(Options { plans: Some(PLANS), default_plan, open_sign_up: true, ..Options::default() }).await
}

#[track_caller]
fn is_full(answer: &Answer, words: &str) {
    assert_eq!(answer.code(403), "plan_limit");
    let text = format!("The plan Small has room for {words}; remove one, or ask the operator for another plan");
    assert_eq!(answer.error(403), text);
}

async fn usage(person: &Person<'_>) -> Value {
    person.get("/v1/manage/usage").await.expect(200).json()
}

fn used(usage: &Value) -> [u64; 5] {
    ["projects", "secrets", "machines", "aiAgents", "enrollmentTokens"]
        .map(|kind| usage[kind]["used"].as_u64().unwrap())
}

fn token_body(project: &str) -> Value {
    json!({ "name": "ci", "projectIds": [project], "secretIds": null, "tokenLifetimeSeconds": 600,
            "machineLifetimeSeconds": 600, "maxUses": 2 })
}

fn enroll(person: &Person<'_>, token: &str) -> Request {
    let body = json!({ "token": token, "publicKey": KeyPair::make().public().to_base64(), "hostname": "host" });
    Request::new("POST", &format!("/v1/{}/enroll/register", person.vault)).json(&body)
}

/// Each kind up to its limit, one more, and one more after one is gone.
#[tokio::test]
async fn every_limit_holds_and_what_goes_makes_room() {
    let world = world("small").await;
    let owner = world.owner().await;
    assert_eq!(usage(&owner).await["secrets"], json!({ "used": 0, "limit": 3 }));

    // Projects.
    let (project, second) = (owner.project("p").await, owner.project("q").await);
    let third = async || owner.post("/v1/manage/projects", &json!({ "name": "r" })).await;
    is_full(&third().await, "2 projects");
    owner.post(&format!("/v1/manage/projects/{second}/delete"), &json!({ "confirmName": "q" })).await.expect(200);
    third().await.expect(200);

    // Secrets, of every kind but those in the trash.
    let path = format!("/v1/manage/projects/{project}/secrets");
    let secret = owner.secret(&project, "plain", "v").await;
    let canary = json!({ "projectId": project, "name": "canary" });
    owner.post("/v1/manage/canaries", &canary).await.expect(200);
    let scheduled = json!({ "projectId": project, "name": "scheduled", "intervalSeconds": 300 });
    owner.post("/v1/manage/dynamic-secrets", &scheduled).await.expect(200);
    let more = json!({ "name": "more", "value": "v" });
    is_full(&owner.post(&path, &more).await, "3 secrets");
    let other = json!({ "projectId": project, "name": "more" });
    is_full(&owner.post("/v1/manage/canaries", &other).await, "3 secrets");
    let other = json!({ "projectId": project, "name": "more", "intervalSeconds": 300 });
    is_full(&owner.post("/v1/manage/dynamic-secrets", &other).await, "3 secrets");
    owner.post(&format!("{path}/{secret}/delete"), &json!({})).await.expect(200);
    owner.post(&path, &more).await.expect(200);
    is_full(&owner.post(&format!("/v1/manage/trash/{secret}/restore"), &json!({})).await, "3 secrets");
    owner.post(&format!("/v1/manage/trash/{secret}/purge"), &json!({})).await.expect(200);
    assert_eq!(used(&usage(&owner).await), [2, 3, 0, 0, 0]);

    // Machines: pending, from a bundle, enrolled.
    let pending = owner.pending_machine().await;
    let bundle = json!({ "projectId": project, "secretIds": [] });
    owner.post("/v1/manage/bundles", &bundle).await.expect(200);
    is_full(&owner.post("/v1/manage/bundles", &bundle).await, "2 machines");
    let token = owner.bootstrap_token().await;
    let body = json!({ "publicKey": KeyPair::make().public().to_base64(), "hostname": "host" });
    let register = Request::new("POST", &format!("/v1/bootstrap/{token}/register")).json(&body);
    is_full(&world.send(register.clone()).await, "2 machines");
    let made = owner.post("/v1/manage/enrollment-tokens", &token_body(&project)).await.expect(200);
    is_full(&world.send(enroll(&owner, &made.field("token"))).await, "2 machines");
    let newest = world.newest_records(&owner, 1).await.remove(0);
    assert_eq!((newest.action, newest.actor_kind), (Action::EnrollmentDenied, ActorKind::External));
    owner.post(&format!("/v1/manage/machines/{}/deny", pending.id), &json!({})).await.expect(200);
    world.send(register).await.expect(200);

    // Enrollment tokens that can still be used, and AI agents.
    let again = async || owner.post("/v1/manage/enrollment-tokens", &token_body(&project)).await;
    is_full(&again().await, "1 usable enrollment tokens");
    owner.agent(&[], &[]).await;
    let body = json!({ "name": "second", "scopes": [] });
    let token = owner.post("/v1/manage/agent-bootstrap-tokens", &body).await.expect(200).field("token");
    let body = json!({ "token": token, "publicKey": KeyPair::make().public().to_base64() });
    let register = Request::new("POST", "/v1/ai-bootstrap/register").json(&body);
    is_full(&world.send(register.clone()).await, "1 AI agents");
    let agents = owner.get("/v1/manage/ai-agents").await.expect(200).json();
    let agent = agents["agents"][0]["id"].as_str().unwrap();
    owner.post(&format!("/v1/manage/ai-agents/{agent}/revoke"), &json!({})).await.expect(200);
    world.send(register).await.expect(200);
    assert_eq!(used(&usage(&owner).await), [2, 3, 2, 1, 1]);
}

/// A token counts as long as it can be used; a machine until it is removed or expires.
#[tokio::test]
async fn what_ends_by_itself_makes_room() {
    let world = world("small").await;
    let owner = world.owner().await;
    let project = owner.project("p").await;
    let make = async || owner.post("/v1/manage/enrollment-tokens", &token_body(&project)).await;
    let first = make().await.expect(200).field("token");
    for _ in 0..2 {
        world.send(enroll(&owner, &first)).await.expect(200);
    }
    assert_eq!(used(&usage(&owner).await), [1, 0, 2, 0, 0], "a token that is used up does not count");
    // What was made a moment ago may be missing in a list, so it counts for a moment longer.
    is_full(&make().await, "1 usable enrollment tokens");
    world.wait_seconds(10);
    let second = make().await.expect(200);
    world.wait_seconds(10);
    is_full(&make().await, "1 usable enrollment tokens");
    let revoke = format!("/v1/manage/enrollment-tokens/{}/revoke", second.field("id"));
    owner.post(&revoke, &json!({})).await.expect(200);
    let third = make().await.expect(200).field("token");
    is_full(&world.send(enroll(&owner, &third)).await, "2 machines");
    world.wait_seconds(601);
    world.sweep().await;
    let owner = owner.again().await;
    assert_eq!(used(&usage(&owner).await), [1, 0, 0, 0, 0], "expired machines do not count");
    let fourth = owner.post("/v1/manage/enrollment-tokens", &token_body(&project)).await.expect(200).field("token");
    for _ in 0..2 {
        world.send(enroll(&owner, &fourth)).await.expect(200);
    }
    // Seven days later the first ones are removed, and do not make room a second time.
    world.wait_seconds(7 * 86_400);
    world.sweep().await;
    world.sweep().await;
    let owner = owner.again().await;
    assert_eq!(used(&usage(&owner).await), [1, 0, 0, 0, 0]);
    world.wait_seconds(8 * 86_400);
    world.sweep().await;
    assert_eq!(used(&usage(&owner.again().await).await), [1, 0, 0, 0, 0]);
}

/// A machine whose removal was cut off has given its place back: it does not come back to life, and the removal goes on. Two
/// removals at once are both told the truth.
#[tokio::test(start_paused = true)]
async fn a_machine_that_is_being_removed_counts_no_more() {
    let world = world("small").await;
    let owner = world.owner().await;
    for nth in 0..20 {
        owner.step_up().await;
        let machine = owner.machine().await;
        let path = format!("/v1/manage/machines/{}", machine.id);
        let before = used(&usage(&owner).await)[2];
        world.store.fail(nth, Fault::Error, true);
        let answer = owner.post(&format!("{path}/revoke"), &json!({})).await;
        world.store.heal();
        let after = used(&usage(&owner).await)[2];
        if answer.status == 200 {
            assert!(nth > 5 && after == before - 1, "{nth}: {before} {after}");
            break;
        }
        if after < before {
            let again = owner.post(&format!("{path}/enable"), &json!({})).await;
            assert!(again.status == 404 || again.code(409) == "revoke_instead", "{nth}: {}", again.text());
        }
        let again = owner.post(&format!("{path}/revoke"), &json!({})).await;
        assert!(again.status == 200 || again.status == 404, "{nth}: {}", again.text());
        assert_eq!(used(&usage(&owner).await)[2], before - 1, "cut off at call {nth}");
    }
    let machine = owner.machine().await;
    let path = format!("/v1/manage/machines/{}/revoke", machine.id);
    let body = json!({});
    let (one, other) = tokio::join!(owner.post(&path, &body), owner.post(&path, &body));
    for answer in [one, other] {
        assert!([200, 404].contains(&answer.status.as_u16()), "{}", answer.text());
    }
    assert_eq!(used(&usage(&owner).await)[2], 0);
}

/// A policy's TTL and the deletion of a project destroy secrets that nobody took off the count.
#[tokio::test]
async fn destroyed_secrets_make_room() {
    let world = world("small").await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    let policies = format!("/v1/manage/projects/{project}/policies");
    let policy = owner.post(&policies, &json!({ "name": "once", "ttlMaxReads": 1 })).await.expect(200).field("id");
    owner.post(&format!("/v1/manage/secrets/{secret}/binding"), &json!({ "policyId": policy })).await.expect(200);
    assert_eq!(used(&usage(&owner).await)[1], 1);
    machine.read(&secret).await.expect(200);
    world.wait_seconds(1);
    world.sweep().await;
    assert_eq!(used(&usage(&owner).await)[1], 0);
    let trashed = owner.secret(&project, "trashed", "v").await;
    owner.secret(&project, "live", "v").await;
    owner.post(&format!("/v1/manage/projects/{project}/secrets/{trashed}/delete"), &json!({})).await.expect(200);
    assert_eq!(used(&usage(&owner).await)[1], 1);
    let name = owner.get("/v1/manage/projects").await.expect(200).json()["projects"][0]["name"].clone();
    owner.post(&format!("/v1/manage/projects/{project}/delete"), &json!({ "confirmName": name })).await.expect(200);
    world.wait_seconds(61);
    world.sweep().await;
    assert_eq!(used(&usage(&owner).await)[..2], [0, 0]);
}

/// Two at once cannot pass a limit, and neither can 64.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_race_passes_a_limit() {
    let world = world("small").await;
    world.store.interleave();
    let owner = world.owner().await;
    let other = world.another_process();
    let worlds = [&world, &other];
    let project = owner.project("p").await;
    let racers = |path: &str, body: &dyn Fn(usize) -> Value| -> Vec<Request> {
        (0..64).map(|n| owner.request(path, Some(&body(n)))).collect()
    };
    let named = |n: usize| json!({ "name": format!("n{n}"), "value": "v" });
    let statuses = storm(&worlds, racers(&format!("/v1/manage/projects/{project}/secrets"), &named)).await;
    assert_eq!((count(&statuses, 200), count(&statuses, 403)), (3, 61), "{statuses:?}");
    let statuses = storm(&worlds, racers("/v1/manage/projects", &|n| json!({ "name": format!("n{n}") }))).await;
    assert_eq!((count(&statuses, 200), count(&statuses, 403)), (1, 63), "{statuses:?}");
    let statuses = storm(&worlds, racers("/v1/manage/enrollment-tokens", &|_| token_body(&project))).await;
    assert_eq!((count(&statuses, 200), count(&statuses, 403)), (1, 63), "{statuses:?}");
    assert_eq!(used(&usage(&owner).await), [2, 3, 0, 0, 1]);
}

/// A smaller plan keeps what is there and what is switched on, and refuses more; a larger one has room again.
#[tokio::test]
async fn a_smaller_plan_keeps_what_is_there() {
    let world = world("free").await;
    let operator = world.owner().await;
    let owner = Person::sign_up(&world, "other@example.org").await;
    let (project, secret, machine) = owner.readable("v").await;
    for name in ["two", "three", "four"] {
        owner.secret(&project, name, "v").await;
    }
    owner.post("/v1/manage/ipallowlist", &json!({ "cidr": "0.0.0.0/0" })).await.expect(200);
    owner.post("/v1/manage/ipallowlist/enable", &json!({})).await.expect(200);
    let give = async |plan: &str| {
        let path = format!("/v1/operator/vaults/{}/plan", owner.vault);
        operator.post(&path, &json!({ "plan": plan })).await.expect(200)
    };
    assert_eq!(give("small").await.json(), json!({ "success": true, "vaultId": owner.vault }));
    let newest = world.newest_records(&owner, 1).await.remove(0);
    assert_eq!(
        (newest.action, newest.severity, newest.actor_kind),
        (Action::PlanChange, Severity::Medium, ActorKind::User)
    );
    assert_eq!(newest.detail, "Plan changed from free to small");
    give("small").await;
    assert_eq!(world.count(&owner, Action::PlanChange).await, 1, "nothing changed");

    machine.read(&secret).await.expect(200);
    let now = usage(&owner).await;
    assert_eq!((&now["plan"], &now["secrets"]), (&json!("small"), &json!({ "used": 4, "limit": 3 })));
    assert_eq!((&now["ipAllowlist"], &now["auditRetentionDays"]), (&json!(false), &json!(30)));
    let path = format!("/v1/manage/projects/{project}/secrets");
    is_full(&owner.post(&path, &json!({ "name": "five", "value": "v" })).await, "3 secrets");
    owner.post(&format!("{path}/{secret}/update"), &json!({ "value": "w" })).await.expect(200);
    let refused = owner.post("/v1/manage/ipallowlist", &json!({ "cidr": "10.0.0.0/8" })).await;
    assert_eq!(refused.error(403), "The plan Small has no IP allowlist; ask the operator for another plan");
    assert_eq!(owner.get("/v1/manage/ipallowlist").await.expect(200).json()["enabled"], true);
    owner.post("/v1/manage/ipallowlist/disable", &json!({})).await.expect(200);
    assert_eq!(owner.post("/v1/manage/ipallowlist/enable", &json!({})).await.code(403), "plan_limit");

    give("unlimited").await;
    owner.post(&path, &json!({ "name": "five", "value": "v" })).await.expect(200);
    owner.post("/v1/manage/ipallowlist/enable", &json!({})).await.expect(200);
}

#[tokio::test]
async fn a_limit_of_none_lets_none_in() {
    let world = world("none").await;
    let owner = world.owner().await;
    let answer = owner.post("/v1/manage/projects", &json!({ "name": "p" })).await;
    assert!(answer.error(403).starts_with("The plan none has room for 0 projects"), "{}", answer.text());
}

/// Records are kept as long as setting and plan say, from then on.
#[tokio::test]
async fn retention_is_the_smaller_one_of_setting_and_plan() {
    let world = world("small").await;
    let owner = world.owner().await;
    let settings = async |body: Value| owner.post("/v1/manage/settings", &body).await;
    let (client, prefix) = world.by_hand();
    // Of the newest record: in how many days the store drops it.
    let kept = async || {
        let parts = client.query().table_name(format!("{prefix}-audit")).index_name("by-time");
        let parts = parts.key_condition_expression("#log = :log").expression_attribute_names("#log", "log");
        let log = AttributeValue::S(format!("{}#rare", owner.vault));
        let found = parts.expression_attribute_values(":log", log).scan_index_forward(false).limit(1).send().await;
        let row = found.unwrap().items.unwrap_or_default().remove(0);
        let number = |name: &str| row[name].as_n().unwrap().parse::<u64>().unwrap();
        assert!(!row.contains_key("keptDays"), "it is stored once");
        (number("ttl") - number("timestamp") / 1_000) / 86_400
    };
    let shown = owner.get("/v1/manage/settings").await.expect(200).json();
    assert_eq!(shown, json!({ "stepUp": true, "auditRetentionDays": 30, "plan": "small" }));
    assert_eq!(kept().await, 30);
    let refused = settings(json!({ "auditRetentionDays": 31 })).await;
    assert_eq!(refused.code(403), "plan_limit");
    for wrong in [0, 3_651] {
        settings(json!({ "auditRetentionDays": wrong })).await.error(422);
    }
    let changed = settings(json!({ "auditRetentionDays": 7 })).await.expect(200).json();
    assert_eq!(changed, json!({ "stepUp": true, "auditRetentionDays": 7, "plan": "small" }));
    assert_eq!(world.newest_records(&owner, 1).await[0].detail, "Audit records are kept for 7 days from now on");
    owner.project("p").await;
    assert_eq!(kept().await, 7);
    // By machines, too, and through another function.
    let machine = owner.machine().await;
    machine.get("/v1/secrets").await.expect(200);
    assert_eq!(kept().await, 7);
    let plan = format!("/v1/operator/vaults/{}/plan", owner.vault);
    owner.post(&plan, &json!({ "plan": "unlimited" })).await.expect(200);
    settings(json!({ "auditRetentionDays": 3_650, "stepUp": false })).await.expect(200);
    owner.project("q").await;
    assert_eq!(kept().await, 3_650);
    owner.post(&plan, &json!({ "plan": "small" })).await.expect(200);
    assert_eq!(kept().await, 30, "the plan is the smaller one now");
}

/// The owner of the deployment alone, and they see whose vaults there are and how large, and nothing in them.
#[tokio::test]
async fn the_operator_sees_vaults_and_nothing_in_them() {
    let world = world("small").await;
    let operator = world.owner().await;
    let other = Person::sign_up(&world, "other@example.org").await;
    other.project("a name of a project").await;
    assert_eq!(operator.get("/v1/account").await.expect(200).json()["operator"], true);
    assert_eq!(other.get("/v1/account").await.expect(200).json()["operator"], false);
    for path in ["/v1/operator/vaults/query".to_owned(), format!("/v1/operator/vaults/{}/plan", other.vault)] {
        assert_eq!(
            other.post(&path, &json!({ "plan": "free" })).await.status,
            if path.ends_with("query") { 422 } else { 403 }
        );
        assert_eq!(other.post(&path, &json!({})).await.status, if path.ends_with("query") { 403 } else { 422 });
        world.send(Request::new("POST", &path).header("x-sikkerkey-request", "1").json(&json!({}))).await.error(401);
    }
    let mut seen = vec![];
    let mut body = json!({ "limit": 1 });
    loop {
        let page = operator.post("/v1/operator/vaults/query", &body).await.expect(200);
        assert!(!page.text().contains("a name of a project") && !page.text().contains("example.org"));
        let page = page.json();
        seen.extend(page["vaults"].as_array().unwrap().clone());
        if page["cursor"].is_null() {
            break;
        }
        body["cursor"] = page["cursor"].clone();
    }
    let ids: Vec<&str> = seen.iter().map(|vault| vault["vaultId"].as_str().unwrap()).collect();
    assert_eq!(ids, [&operator.vault, &other.vault]);
    assert_eq!(seen[1]["usage"], json!({ "projects": 1, "secrets": 0, "machines": 0, "aiAgents": 0 }));
    assert_eq!((&seen[1]["plan"], &seen[1]["ownerName"]), (&json!("small"), &json!("somebody")));
    let plan = |vault: &str| format!("/v1/operator/vaults/{vault}/plan");
    let wrong = operator.post(&plan(&other.vault), &json!({ "plan": "large" })).await;
    assert_eq!(wrong.error(422), "plan must be one of: unlimited, free, none, small");
    operator.post(&plan("vault_0000000000"), &json!({ "plan": "free" })).await.error(404);
    // They show again that it is them.
    world.wait_seconds(301);
    let stale = operator.post("/v1/operator/vaults/query", &json!({})).await;
    assert_eq!(stale.code(403), "step_up_required");
    assert_eq!(operator.post(&plan(&other.vault), &json!({ "plan": "free" })).await.code(403), "step_up_required");
}
