//! What ends is removed: machines and tokens of CI, and the names that a thing had.

use aws_sdk_dynamodb::types::AttributeValue;
use e2e::{Options, Request, World};
use rules::audit::Action;
use serde_json::json;

use crate::listing::{paged, query};
use crate::races::storm;

/// A year of CI: ephemeral machines come and go, and what is left is what lives, and what ended in the last seven days.
#[tokio::test]
async fn a_year_of_ci_leaves_nothing_behind() {
    // The number of days is what matters, and how many come on one of them is not. 274 a day are 100,000 in a year.
    let (days, a_day) = if e2e::is_deep() { (365, 20) } else { (30, 10) };
    let a_day = e2e::machines_a_day().unwrap_or(a_day);
    let world = World::with(Options::default()).await;
    let owner = world.owner().await;
    let (project, secret, _) = owner.readable("v").await;
    let body = json!({ "name": "ci", "projectIds": [project], "secretIds": [secret], "tokenLifetimeSeconds": 40 * 86_400,
                       "machineLifetimeSeconds": 3_600, "maxUses": 10_000 });
    let key = crypto::KeyPair::make().public().to_base64();
    let mut token = String::new();
    for day in 0..days {
        if day % 30 == 0 {
            let owner = owner.again().await;
            token = owner.post("/v1/manage/enrollment-tokens", &body).await.expect(200).field("token");
        }
        let enroll = || {
            let body = json!({ "token": token, "publicKey": key, "hostname": "runner" });
            Request::new("POST", &format!("/v1/{}/enroll/register", owner.vault)).json(&body)
        };
        let statuses = storm(&[&world], (0..a_day).map(|_| enroll()).collect()).await;
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        world.wait_seconds(86_400);
        world.sweep().await;
        // What was called is remembered, and a year has many calls.
        world.store.forget();
    }
    let owner = owner.again().await;
    let (machines, _) = paged(&owner, "machines", "machines", json!({ "kind": "ephemeral", "limit": 200 })).await;
    assert_eq!(machines.len(), 7 * a_day);
    assert_eq!(world.members(&project).await.len(), 1, "expired machines are in no project");
    let grants = world.services.store.count(store::grant::of_project(project.parse().unwrap(), None)).await.unwrap();
    assert_eq!(grants, 1, "and hold no grants");
    assert_eq!(world.count(&owner, Action::MachineExpire).await, days * a_day);
    assert_eq!(world.count(&owner, Action::MachineRemove).await, (days - 7) * a_day);
    world.wait_seconds(8 * 86_400);
    world.sweep().await;
    let owner = owner.again().await;
    assert_eq!(query(&owner, "machines", json!({ "kind": "ephemeral" })).await["machines"], json!([]));
    assert_eq!(world.sweep().await, 0, "nothing is left to end");
}

/// Rows of tokens that ended are dropped by the store 90 days later.
#[tokio::test]
async fn ended_tokens_go_after_ninety_days() {
    let world = World::new().await;
    let owner = world.owner().await;
    let body = json!({ "name": "ci", "projectIds": [owner.project("p").await], "tokenLifetimeSeconds": 600,
                       "machineLifetimeSeconds": 600, "maxUses": 1 });
    let token = owner.post("/v1/manage/enrollment-tokens", &body).await.expect(200).field("id");
    let dropped_after = async || {
        let (client, prefix) = world.by_hand();
        let key = |sk: &str| AttributeValue::S(sk.to_owned());
        let item =
            client.get_item().table_name(format!("{prefix}-vault")).key("pk", key(&format!("ENROLLMENT#{token}")));
        let item = item.key("sk", key("ENROLLMENT")).send().await.unwrap().item.unwrap();
        item["ttl"].as_n().unwrap().parse::<u64>().unwrap() - world.now().seconds()
    };
    assert_eq!(dropped_after().await, 600 + 90 * 86_400);
    owner.post(&format!("/v1/manage/enrollment-tokens/{token}/revoke"), &json!({})).await.expect(200);
    assert_eq!(dropped_after().await, 90 * 86_400);
}

/// Of a thing that was renamed very often, the newest hundred names are kept.
#[tokio::test]
async fn a_hundred_earlier_names_are_kept() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (machine, agent) = (owner.machine().await, owner.agent(&[], &[]).await);
    for path in [format!("machines/{}", machine.id), format!("ai-agents/{}", agent.id)] {
        for n in 0..103 {
            let name = json!({ "name": format!("name {n}") });
            owner.post(&format!("/v1/manage/{path}/rename"), &name).await.expect(200);
            world.wait_seconds(1);
        }
        let history = owner.get(&format!("/v1/manage/{path}/name-history")).await.expect(200).json();
        let renames = history["renames"].as_array().unwrap();
        assert_eq!((renames.len(), &renames[0]["to"], &renames[99]["to"]), (100, &json!("name 102"), &json!("name 3")));
    }
}
