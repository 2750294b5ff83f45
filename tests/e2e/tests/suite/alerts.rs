//! Alert mails: at once, not many at a time, none forgotten; and who gets them.

use e2e::{Options, Person, World};
use rules::audit::Action;
use serde_json::json;

async fn world() -> World {
    World::with(Options { lockout_failures: Some(1_000), ..Options::default() }).await
}

/// An owner who is told of these actions.
async fn told<'w>(world: &'w World, actions: &[&str]) -> Person<'w> {
    let owner = world.owner().await;
    owner.verify_email().await;
    owner.post("/v1/manage/alerts", &json!({ "enabledActions": actions })).await.expect(200);
    world.catch_up().await;
    owner
}

fn subjects(world: &World) -> Vec<String> {
    let mails = world.mail.mails().into_iter().map(|mail| mail.subject);
    mails.filter(|subject| subject.starts_with("SikkerKey: ")).collect()
}

#[tokio::test]
async fn the_set_is_replaced_and_names_are_known() {
    let world = world().await;
    let owner = world.owner().await;
    let alerts = async || owner.get("/v1/manage/alerts").await.expect(200).json();
    assert_eq!(alerts().await, json!({ "enabledActions": [], "recipients": [] }));
    let set =
        async |actions: serde_json::Value| owner.post("/v1/manage/alerts", &json!({ "enabledActions": actions })).await;
    set(json!(["auth_failure", "secret_read", "auth_failure"])).await.expect(200);
    assert_eq!(alerts().await["enabledActions"], json!(["secret_read", "auth_failure"]));
    let before = world.count(&owner, Action::AlertsUpdate).await;
    set(json!(["secret_read", "auth_failure"])).await.expect(200);
    assert_eq!(world.count(&owner, Action::AlertsUpdate).await, before, "nothing changed");
    set(json!([])).await.expect(200);
    assert_eq!(alerts().await["enabledActions"], json!([]));
    assert_eq!(set(json!(null)).await.code(400), "null_not_allowed");
    let unknown = "enabledActions must be names of actions; GET audit/actions lists them";
    assert_eq!(set(json!(["secret_reads"])).await.error(422), unknown);
    let names = async |path: &str| -> Vec<String> {
        let all = owner.get(path).await.expect(200).json();
        all["actions"].as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("/v1/manage/alerts/actions").await, names("/v1/manage/audit/actions").await);
}

#[tokio::test]
async fn a_mail_says_what_happened_and_what_to_do() {
    let world = world().await;
    let owner = told(&world, &["machine_register"]).await;
    let machine = owner.pending_machine().await;
    world.catch_up().await;
    let mail = &world.mail.mails()[0];
    assert_eq!(
        (mail.to.as_str(), mail.subject.as_str()),
        ("owner@example.org", "SikkerKey: Machine Register (medium)")
    );
    for part in [
        "It waits for approval",
        "From: 192.0.2.",
        &format!("Vault: {} of ", owner.vault),
        &format!("http://localhost:8080/machines/{}", machine.id),
        "http://localhost:8080/alerts",
    ] {
        assert!(mail.text.contains(part), "{part}: {}", mail.text);
    }
    assert!(mail.html.as_ref().unwrap().contains("<h1"));
    // Who acted is named: a person, an AI agent, a machine.
    owner
        .post("/v1/manage/alerts", &json!({ "enabledActions": ["machine_approve", "auth_failure"] }))
        .await
        .expect(200);
    let agent = owner.agent(&["machines.write"], &[]).await;
    agent.post(&format!("/v1/ai/machines/{}/approve", machine.id), &json!({})).await.expect(200);
    world.catch_up().await;
    let text = &world.mail.mails()[0].text;
    assert!(text.contains("Who: AI agent "), "{text}");
    owner
        .post("/v1/manage/alerts", &json!({ "enabledActions": ["project_update", "machine_register"] }))
        .await
        .expect(200);
    world.wait_seconds(60);
    let id = owner.project("q").await;
    owner.post(&format!("/v1/manage/projects/{id}/update"), &json!({ "name": "r" })).await.expect(200);
    world.catch_up().await;
    let text = &world.mail.mails()[0].text;
    assert!(text.contains("Who: somebody") && text.contains(&format!("/projects/{id}\n")), "{text}");
    // What nobody asked to be told of brings none.
    owner.project("p").await;
    world.catch_up().await;
    assert_eq!(subjects(&world).len(), 3);
}

#[tokio::test]
async fn what_comes_within_a_minute_is_counted_into_the_next_mail() {
    let world = world().await;
    let owner = told(&world, &["project_create", "project_update"]).await;
    owner.project("a").await;
    world.catch_up().await;
    assert_eq!(subjects(&world).len(), 1);
    for name in ["b", "c", "d"] {
        owner.project(name).await;
        world.catch_up().await;
    }
    assert_eq!(subjects(&world).len(), 1, "held back");
    world.wait_seconds(60);
    world.sweep().await;
    let mails = world.mail.mails();
    assert!(mails[0].text.contains("It happened 3 times since the last mail of this kind."), "{}", mails[0].text);
    world.wait_seconds(60);
    world.sweep().await;
    assert_eq!(subjects(&world).len(), 2, "and no more");
    // The next one in time brings the count itself; several in one batch are one mail.
    owner.project("e").await;
    owner.project("f").await;
    world.catch_up().await;
    let text = &world.mail.mails()[0].text;
    assert!(text.contains("Project f created") && text.contains("The same happened once more"), "{text}");
    owner.project("g").await;
    world.catch_up().await;
    world.wait_seconds(61);
    owner.project("h").await;
    world.catch_up().await;
    world.sweep().await;
    assert_eq!(subjects(&world).len(), 4);
    assert!(world.mail.mails()[0].text.contains("Project h created"));
    assert!(world.mail.mails()[0].text.contains("The same happened once more"));
}

#[tokio::test]
async fn canaries_are_never_held_back() {
    let world = world().await;
    let owner = told(&world, &["canary_triggered"]).await;
    let (project, _, machine) = owner.readable("v").await;
    let body = json!({ "projectId": project, "name": "root key", "triggerFreezeProject": false });
    let canary = owner.post("/v1/manage/canaries", &body).await.expect(200).field("id");
    owner.grant(&project, &machine, &[&canary]).await.expect(200);
    for _ in 0..3 {
        machine.read(&canary).await.expect(200);
    }
    world.catch_up().await;
    let mails = world.mail.mails();
    assert_eq!(subjects(&world), ["SikkerKey: Canary Triggered (critical)"; 3]);
    assert!(mails[0].text.contains("Take the machine's key for stolen") && mails[0].text.contains("Who: machine "));
}

/// A mail that is not taken is asked for again, and tells everything then.
#[tokio::test]
async fn a_mail_that_was_not_taken_is_not_forgotten() {
    let world = world().await;
    let owner = told(&world, &["project_create"]).await;
    owner.project("a").await;
    let stream = world.take_stream();
    world.mail.set_down(true);
    world.try_to_follow(stream.clone()).await.unwrap();
    assert_eq!(subjects(&world).len(), 0);
    world.mail.set_down(false);
    // As Lambda does with a request that failed.
    world.try_to_follow(stream).await.unwrap();
    assert_eq!(subjects(&world).len(), 1);
    assert!(world.mail.mails()[0].text.contains("Project a created"));
}

#[tokio::test]
async fn an_address_that_is_not_verified_gets_none_and_a_plan_without_alerts_switches_none_on() {
    let world = world().await;
    let owner = world.owner().await;
    owner.post("/v1/manage/alerts", &json!({ "enabledActions": ["project_create"] })).await.expect(200);
    owner.project("a").await;
    world.catch_up().await;
    assert_eq!(subjects(&world).len(), 0);

    let plans = Some(r#"{"without": {"alerts": false}}"#);
    let world = World::with(Options { plans, default_plan: Some("without".into()), ..Options::default() }).await;
    let owner = world.owner().await;
    let answer = owner.post("/v1/manage/alerts", &json!({ "enabledActions": ["project_create"] })).await;
    assert_eq!(answer.error(403), "The plan without has no alert mails; ask the operator for another plan");
    owner.post("/v1/manage/alerts", &json!({ "enabledActions": [] })).await.expect(200);
}
