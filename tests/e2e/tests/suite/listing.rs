//! Every list by `POST <list>/query`: pages that together are the plain list, filters, names; and lists too large for an
//! answer.

use std::collections::BTreeSet;

use crypto::random;
use e2e::{Answer, Person, World};
use protocol::SecretId;
use rules::Time;
use rules::nouns::{Secret, SecretKind};
use serde_json::{Value, json};

use super::races::storm;

/// The lists, each with the key that its answers have.
const LISTS: &[(&str, &str)] = &[
    ("projects", "projects"),
    ("projects/{projectId}/secrets", "secrets"),
    ("trash", "secrets"),
    ("machines", "machines"),
    ("projects/{projectId}/machines", "machines"),
    ("ai-agents", "agents"),
    ("enrollment-tokens", "tokens"),
    ("ipallowlist", "entries"),
];

/// Those whose things are used.
const USED: &[&str] =
    &["projects/{projectId}/secrets", "machines", "projects/{projectId}/machines", "enrollment-tokens"];

fn ids(answer: &Value, key: &str) -> Vec<String> {
    let rows = answer[key].as_array().unwrap_or_else(|| panic!("no {key} in {answer}"));
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// Five of everything.
async fn furnished(owner: &Person<'_>) -> String {
    let project = owner.project("0").await;
    for n in 1..5 {
        owner.project(&n.to_string()).await;
    }
    for n in 0_u32..10 {
        let secret = owner.secret(&project, &format!("secret {n}"), "v").await;
        if n.is_multiple_of(2) {
            let path = format!("/v1/manage/projects/{project}/secrets/{secret}/delete");
            owner.post(&path, &json!({})).await.expect(200);
            owner.world.wait_seconds(1);
        }
    }
    for n in 0..5 {
        let machine = owner.machine().await;
        owner.attach(&project, &machine).await;
        owner.agent(&["audit.read"], &[]).await;
        let token = json!({ "name": format!("ci {n}"), "projectIds": [project], "tokenLifetimeSeconds": 600,
                            "machineLifetimeSeconds": 600, "maxUses": 1 });
        owner.post("/v1/manage/enrollment-tokens", &token).await.expect(200);
        let range = json!({ "cidr": format!("10.0.{n}.0/24"), "label": format!("office {n}") });
        owner.post("/v1/manage/ipallowlist", &range).await.expect(200);
        owner.world.wait_seconds(1);
    }
    project
}

pub(crate) async fn query(owner: &Person<'_>, path: &str, body: Value) -> Value {
    owner.post(&format!("/v1/manage/{path}/query"), &body).await.expect(200).json()
}

/// All pages of a list, of this size; and how many there were.
pub(crate) async fn paged(owner: &Person<'_>, path: &str, key: &str, mut body: Value) -> (Vec<String>, usize) {
    let (mut all, mut pages) = (vec![], 0);
    loop {
        let page = query(owner, path, body.clone()).await;
        all.extend(ids(&page, key));
        pages += 1;
        match &page["cursor"] {
            Value::Null => return (all, pages),
            cursor => body["cursor"] = cursor.clone(),
        }
        assert!(pages < 100, "{path} has no end");
    }
}

#[tokio::test]
async fn pages_are_the_plain_list_at_both_doors() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = furnished(&owner).await;
    let scopes = [
        "projects.read",
        "projects.secrets.read",
        "trash.read",
        "machines.read",
        "projects.machines.read",
        "aiagents.read",
        "enrollment.read",
        "ipallowlist.read",
    ];
    let agent = owner.agent(&scopes, &[]).await;
    for (list, key) in LISTS {
        let path = list.replace("{projectId}", &project);
        let plain = if *list == "projects/{projectId}/machines" {
            ids(&query(&owner, &path, json!({})).await, key)
        } else {
            let answer = owner.get(&format!("/v1/manage/{path}")).await.expect(200).json();
            assert!(answer.get("cursor").is_none(), "{list}: a whole list has no cursor");
            ids(&answer, key)
        };
        assert!(plain.len() >= 5, "{list}: {plain:?}");
        for limit in [1, 2, 3, 200] {
            let (rows, pages) = paged(&owner, &path, key, json!({ "limit": limit })).await;
            assert_eq!(rows, plain, "{list} by {limit}");
            // The last page says that it is the last, so that nobody asks for an empty one.
            assert_eq!(pages, plain.len().div_ceil(limit), "{list} by {limit}");
        }
        let by_agent = agent.post(&format!("/v1/ai/{path}/query"), &json!({ "limit": 3 })).await.expect(200).json();
        assert_eq!(ids(&by_agent, key), plain[..3], "{list}");
        let at = format!("/v1/manage/{path}/query");
        for body in [json!({ "limit": 0 }), json!({ "limit": 201 }), json!({ "limit": 1, "cursor": "not one!" })] {
            owner.post(&at, &body).await.error(422);
        }
        // A cursor of nothing, of another list, and as long as one may be: safe, whatever they find.
        for cursor in ["", "AA", "fn5-", "8J-Yiw", &"QUFB".repeat(330)] {
            owner.post(&at, &json!({ "limit": 2, "cursor": cursor })).await.expect(200);
        }
        owner.post(&at, &json!({ "limit": 2, "cursor": "QUFB".repeat(400) })).await.error(422);
        owner.post(&at, &json!({ "limit": 2, "unheard": 1 })).await.error(422);
    }
    let both = json!({ "limit": 2, "page": 1 });
    owner.post(&format!("/v1/manage/projects/{project}/machines/query"), &both).await.error(422);
}

#[tokio::test]
async fn lists_are_filtered_by_what_decisions_name() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = furnished(&owner).await;
    let secrets = format!("projects/{project}/secrets");
    let found = async |path: &str, body: Value| {
        let (_, key) = LISTS.iter().find(|(list, _)| list.replace("{projectId}", &project) == path).unwrap();
        ids(&query(&owner, path, body).await, key).len()
    };
    let act = async |path: &str| {
        owner.post(&format!("/v1/manage/{path}"), &json!({})).await.expect(200);
    };
    let structured = json!({ "name": "DB", "value": "{\"a\":\"b\"}", "fieldNames": ["a"] });
    let structured = owner.post(&format!("/v1/manage/{secrets}"), &structured).await.expect(200).field("id");
    act(&format!("projects/{project}/freeze")).await;
    assert_eq!(found("projects", json!({ "frozen": true })).await, 1);
    assert_eq!(found("projects", json!({ "frozen": false })).await, 4);
    assert_eq!(found(&secrets, json!({ "type": "structured" })).await, 1);
    assert_eq!(found(&secrets, json!({ "type": "secret" })).await, 5);
    assert_eq!(ids(&query(&owner, &secrets, json!({ "name": "db" })).await, "secrets"), [structured]);
    assert_eq!(found(&secrets, json!({ "name": "db", "type": "secret" })).await, 0);
    assert_eq!(found(&secrets, json!({ "name": "secret 0" })).await, 0, "that one is in the trash");
    assert_eq!(found("trash", json!({ "name": "SECRET 0" })).await, 1);
    assert_eq!(found("trash", json!({ "type": "structured" })).await, 0);
    assert_eq!(found("trash", json!({ "projectId": project })).await, 5);
    assert_eq!(found("trash", json!({ "projectId": "proj_0000000000" })).await, 0);
    assert_eq!(found("projects", json!({ "name": "3" })).await, 1);
    assert_eq!(found("projects", json!({ "name": "3", "frozen": true })).await, 0);

    let machines = ids(&query(&owner, "machines", json!({})).await, "machines");
    let members = format!("projects/{project}/machines");
    owner.pending_machine().await;
    act(&format!("machines/{}/disable", machines[0])).await;
    owner.post(&format!("/v1/manage/machines/{}/rename", machines[1]), &json!({ "name": "Web" })).await.expect(200);
    for (state, all) in [("pending", 1), ("disabled", 1), ("active", 4), ("expired", 0)] {
        assert_eq!(found("machines", json!({ "state": state })).await, all, "{state}");
        let of_project = json!({ "state": state, "limit": 200 });
        assert_eq!(found(&members, of_project).await, if state == "pending" { 0 } else { all }, "{state}");
    }
    assert_eq!(found("machines", json!({ "kind": "ephemeral" })).await, 0);
    assert_eq!(found("machines", json!({ "name": "wEB" })).await, 1);
    assert_eq!(found(&members, json!({ "name": "wEB", "limit": 1 })).await, 1);

    let agents = ids(&query(&owner, "ai-agents", json!({})).await, "agents");
    act(&format!("ai-agents/{}/disable", agents[0])).await;
    assert_eq!(found("ai-agents", json!({ "state": "disabled" })).await, 1);
    assert_eq!(found("ai-agents", json!({ "state": "active" })).await, 4);
    let tokens = ids(&query(&owner, "enrollment-tokens", json!({})).await, "tokens");
    act(&format!("enrollment-tokens/{}/revoke", tokens[0])).await;
    assert_eq!(found("enrollment-tokens", json!({ "state": "revoked" })).await, 1);
    assert_eq!(found("enrollment-tokens", json!({ "state": "live" })).await, 4);
    assert_eq!(found("enrollment-tokens", json!({ "name": "CI 3" })).await, 1);
    assert_eq!(found("ipallowlist", json!({ "cidr": "10.0.3.0/24" })).await, 1);
    assert_eq!(found("ipallowlist", json!({ "name": "OFFICE 3" })).await, 1);

    // What nobody used for 30 days.
    for (days, is_unused) in [(29, false), (1, true)] {
        world.wait_seconds(days * 86_400);
        let owner = owner.again().await;
        for (list, key) in LISTS.iter().filter(|(list, _)| USED.contains(list)) {
            let path = list.replace("{projectId}", &project);
            for asked in [true, false] {
                let page = query(&owner, &path, json!({ "unused": asked, "limit": 200 })).await;
                assert_eq!(ids(&page, key).len() >= 4, asked == is_unused, "{path} {asked}: {page}");
            }
        }
    }
}

#[tokio::test]
async fn a_machine_that_reads_is_seen_and_a_token_that_enrolls_is_used() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    let person = owner.get("/v1/account").await.expect(200).json()["userId"].clone();
    world.wait_seconds(40 * 86_400);
    let owner = owner.again().await;
    let unused = async || ids(&query(&owner, "machines", json!({ "unused": true })).await, "machines");
    assert_eq!(unused().await, [machine.id.as_str()]);
    machine.read(&secret).await.expect(200);
    world.catch_up().await;
    assert_eq!(unused().await, [""; 0]);
    let row = owner.get(&format!("/v1/manage/machines/{}", machine.id)).await.expect(200).json();
    assert!(row["lastSeenAt"].as_u64().unwrap() + 1_000 > world.now().ms(), "{row}");
    assert_eq!(row["lastSeenAddress"], machine.from.as_str());
    assert_eq!(row["addedBy"], person);
    let granted = async || {
        let path = format!("/v1/manage/projects/{project}/machines/{}/secrets", machine.id);
        owner.get(&path).await.expect(200).json()["grants"].clone()
    };
    let grants = granted().await;
    assert_eq!((&grants[0]["secretId"], &grants[0]["lastReadVersion"]), (&json!(secret), &json!(1)), "{grants}");
    assert_eq!(grants[0]["lastReadAt"], row["lastSeenAt"]);
    // What is used all the time is noted once a minute.
    world.wait_seconds(59);
    machine.read(&secret).await.expect(200);
    world.catch_up().await;
    assert_eq!(granted().await, grants);
    world.wait_seconds(2);
    machine.read(&secret).await.expect(200);
    world.catch_up().await;
    assert_ne!(granted().await, grants);
}

#[tokio::test]
async fn a_name_is_had_once() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("Production").await;
    let taken = |answer: Answer| assert_eq!(answer.code(409), "name_taken");
    let new_project = json!({ "name": "pRODUCTION" });
    taken(owner.post("/v1/manage/projects", &new_project).await);
    // An agent that may not see the project is told the same.
    let other = owner.project("other").await;
    let agent = owner.agent(&["projects.write"], &[&other]).await;
    taken(agent.post("/v1/ai/projects", &new_project).await);
    taken(owner.post(&format!("/v1/manage/projects/{other}/update"), &new_project).await);
    // Another letter case of its own name is no other name.
    owner.post(&format!("/v1/manage/projects/{project}/update"), &new_project).await.expect(200);
    owner.post(&format!("/v1/manage/projects/{project}/update"), &json!({ "name": "live" })).await.expect(200);
    owner.project("production").await;
    taken(owner.post(&format!("/v1/manage/projects/{project}/update"), &new_project).await);
    owner.post(&format!("/v1/manage/projects/{other}/delete"), &json!({ "confirmName": "other" })).await.expect(200);
    owner.project("other").await;

    let at = |what: &str| format!("/v1/manage/projects/{project}/secrets{what}");
    let new = |name: &str| json!({ "name": name, "value": "v" });
    let secret = owner.secret(&project, "Key \u{e4}", "v").await;
    taken(owner.post(&at(""), &new("kEY a\u{308}")).await);
    let second = owner.secret(&project, "second", "v").await;
    taken(owner.post(&at(&format!("/{second}/name")), &json!({ "name": "KEY \u{c4}" })).await);
    owner.post(&at(&format!("/{second}/name")), &json!({ "name": "SECOND" })).await.expect(200);
    // The trash does not count, and a restore whose name is taken is refused.
    owner.post(&at(&format!("/{secret}/delete")), &json!({})).await.expect(200);
    let third = owner.secret(&project, "key \u{e4}", "v").await;
    taken(owner.post(&format!("/v1/manage/trash/{secret}/restore"), &json!({})).await);
    owner.post(&at(&format!("/{third}/name")), &json!({ "name": "third" })).await.expect(200);
    owner.post(&format!("/v1/manage/trash/{secret}/restore"), &json!({})).await.expect(200);
    taken(owner.post(&at(""), &new("key \u{e4}")).await);
    // A purge of one in the trash leaves the name to whoever has it now.
    owner.post(&at(&format!("/{third}/delete")), &json!({})).await.expect(200);
    let fourth = owner.secret(&project, "third", "v").await;
    owner.post(&format!("/v1/manage/trash/{third}/purge"), &json!({})).await.expect(200);
    taken(owner.post(&at(""), &new("third")).await);
    owner.post(&at(&format!("/{fourth}/delete")), &json!({})).await.expect(200);
    owner.secret(&project, "third", "v").await;
    // In another project all names are free.
    let elsewhere = owner.project("elsewhere").await;
    owner.secret(&elsewhere, "third", "v").await;
}

/// Of many who take a name at once, one gets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_is_given_once_to_many_at_once() {
    let world = World::new().await;
    world.store.interleave();
    let owner = world.owner().await;
    let project = owner.project("p").await;
    let path = format!("/v1/manage/projects/{project}/secrets");
    let new = |n: usize| json!({ "name": if n.is_multiple_of(2) { "Key" } else { "kEY" }, "value": "v" });
    let tries = (0..16).map(|n| owner.request(&path, Some(&new(n)))).collect();
    let statuses = storm(&[&world, &world.another_process()], tries).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
}

#[tokio::test]
async fn names_are_an_order_of_projects_and_secrets() {
    let world = World::new().await;
    let owner = world.owner().await;
    let names = ["delta", "Alpha", "\u{c4}rger", "charlie", "Bravo"];
    for name in names {
        owner.project(name).await;
    }
    let project = owner.project("zulu").await;
    for name in names {
        owner.secret(&project, name, "v").await;
    }
    let named = |page: &Value, key: &str| -> Vec<String> {
        page[key].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    let in_order = ["Alpha", "Bravo", "charlie", "delta", "\u{c4}rger"];
    let secrets = format!("projects/{project}/secrets");
    let page = query(&owner, &secrets, json!({ "sortBy": "name" })).await;
    assert_eq!(named(&page, "secrets"), in_order);
    let page = query(&owner, &secrets, json!({ "sortBy": "name", "sortDir": "desc", "limit": 2 })).await;
    assert_eq!(named(&page, "secrets"), ["\u{c4}rger", "delta"]);
    let (all, pages) = paged(&owner, "projects", "projects", json!({ "sortBy": "name", "limit": 2 })).await;
    assert_eq!((all.len(), pages), (6, 3));
    let page = query(&owner, "projects", json!({ "sortBy": "name", "limit": 4 })).await;
    assert_eq!(named(&page, "projects"), in_order[..4]);
}

/// A list that no answer of Lambda could hold ends early, with a cursor from where pages go on. What a page costs is the
/// same in a small project and in a large one.
#[tokio::test]
async fn a_list_that_is_too_large_ends_with_a_cursor() {
    const MANY: usize = 4_000;
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("large").await;
    let store = &world.services.store;
    let (vault, in_project) = (owner.vault.parse().unwrap(), project.parse().unwrap());
    for n in 0..MANY / 50 {
        let mut write = store.transaction();
        for m in 0..50 {
            let id = SecretId::from_entropy(random::bytes());
            let made_at = Time::from_ms(1_000_000 + (n * 50 + m) as u64);
            let secret = Secret {
                kind: if n == MANY / 50 - 1 && m == 49 { SecretKind::Canary } else { SecretKind::Secret },
                note: Some("n".repeat(2_000)),
                ..Secret::new(id, vault, in_project, format!("secret {n} {m}"), made_at)
            };
            write.put_new(&secret.unique_name());
            write.put_new(&secret);
        }
        write.commit().await.unwrap();
    }
    let path = format!("/v1/manage/projects/{project}/secrets");
    let plain = owner.get(&path).await.expect(200);
    assert!(plain.body.len() < 5 * 1_024 * 1_024 + 1_000, "{}", plain.body.len());
    let plain = plain.json();
    let mut seen = ids(&plain, "secrets");
    assert!(seen.len() > 2_000 && seen.len() < MANY);
    let query_path = format!("projects/{project}/secrets");
    let rest = json!({ "limit": 200, "cursor": plain["cursor"] });
    let (rest, _) = paged(&owner, &query_path, "secrets", rest).await;
    seen.extend(rest);
    assert_eq!(seen.len(), MANY);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), MANY);

    // What is rare is found over several pages, none of which looks at all there is.
    let (canaries, pages) = paged(&owner, &query_path, "secrets", json!({ "type": "canary" })).await;
    assert_eq!(canaries.len(), 1);
    assert!(pages > 1, "{pages}");
    // By name at once.
    world.store.forget();
    let found = query(&owner, &query_path, json!({ "name": "SECRET 70 7" })).await;
    assert_eq!((ids(&found, "secrets").len(), &found["cursor"]), (1, &Value::Null));
    let calls = world.store.calls().len();
    let small = owner.project("small").await;
    owner.secret(&small, "only", "v").await;
    world.store.forget();
    query(&owner, &format!("projects/{small}/secrets"), json!({ "name": "only" })).await;
    assert_eq!(world.store.calls().len(), calls);
}
