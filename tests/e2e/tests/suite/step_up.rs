//! Step-up: what makes a reader or destroys asks a person to show again who they are.

use e2e::cases::{self, Things};
use e2e::{Browser, CodeApp, Person, World};
use rules::audit::Action;
use serde_json::json;

use crate::credentials::{NEW, PASSWORD, post};

const ASKED: &str = "step_up_required";

/// The acts that ask, by the names of their operations (decisions 12). A new one is added here on purpose.
const ASKING: [&str; 15] = [
    "addGrants",
    "approveAgent",
    "approveMachine",
    "createBundle",
    "createEnrollmentToken",
    "deleteProject",
    "disableAllowlist",
    "disableCanary",
    "purgeSecret",
    "setAgentProjects",
    "setAgentScopes",
    "setGrants",
    "unbindSecret",
    "unfreezeProject",
    "updateSettings",
];

async fn step_up(person: &Person<'_>, body: serde_json::Value) -> e2e::Answer {
    person.post("/v1/account/step-up", &body).await
}

#[tokio::test]
async fn what_makes_a_reader_or_destroys_asks_and_nothing_else_does() {
    let world = World::new().await;
    let owner = world.owner().await;
    let mut asking = vec![];
    for route in world.routes().iter().filter(|route| route.path.starts_with("/v1/manage/")) {
        let case = cases::all().find(|case| case.is_of(route)).expect("a case");
        let owner = owner.again().await;
        let things = Things::of(&case, &owner).await;
        world.wait_seconds(301);
        let (path, body) = (case.path_of(route, &things), things.body(&case));
        let answer = world.send(case.request(&path, &body, &owner, None)).await;
        if answer.status == 403 {
            assert_eq!(answer.code(403), ASKED, "{}", case.name());
            // Afterwards it is done.
            step_up(&owner, json!({ "password": PASSWORD })).await.expect(200);
            world.send(case.request(&path, &body, &owner, None)).await.expect(200);
            asking.push(case.id);
        } else {
            assert_eq!(answer.status, 200, "{}: {}", case.name(), answer.text());
        }
        if case.id == "updateSettings" {
            owner.post("/v1/manage/settings", &json!({ "stepUp": true })).await.expect(200);
        }
    }
    asking.sort_unstable();
    assert_eq!(asking, ASKING);
}

/// An agent has its scopes instead.
#[tokio::test]
async fn agents_are_not_asked() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, pending) = (owner.project("p").await, owner.pending_machine().await);
    let agent = owner.agent(&["machines.write", "projects.write"], &[]).await;
    world.wait_seconds(301);
    agent.post(&format!("/v1/ai/machines/{}/approve", pending.id), &json!({})).await.expect(200);
    agent.post(&format!("/v1/ai/projects/{project}/delete"), &json!({ "confirmName": "p" })).await.expect(200);
}

#[tokio::test]
async fn it_holds_for_five_minutes_and_for_one_session() {
    let world = World::new().await;
    let owner = world.owner().await;
    let other = owner.again().await;
    let token = json!({ "name": "ci", "tokenLifetimeSeconds": 600, "machineLifetimeSeconds": 600, "maxUses": 1 });
    let make = async |person: &Person<'_>| person.post("/v1/manage/enrollment-tokens", &token).await;
    // Signing up and in count.
    make(&owner).await.expect(200);
    make(&other).await.expect(200);
    world.wait_seconds(301);
    assert_eq!(make(&owner).await.code(403), ASKED);
    step_up(&owner, json!({ "password": NEW })).await.error(401);
    assert_eq!(make(&owner).await.code(403), ASKED);
    let stepped = step_up(&owner, json!({ "password": PASSWORD })).await.expect(200).json();
    assert_eq!(stepped["freshUntil"], world.now().ms() + 300_000);
    make(&owner).await.expect(200);
    assert_eq!(make(&other).await.code(403), ASKED);
    world.wait_seconds(299);
    make(&owner).await.expect(200);
    world.wait_seconds(1);
    assert_eq!(make(&owner).await.code(403), ASKED);
    assert_eq!(world.count(&owner, Action::StepUp).await, 1);
    assert_eq!(world.count(&owner, Action::AuthFailure).await, 1);
    for wrong in [json!({}), json!({ "password": PASSWORD, "totp": "123456" }), json!({ "ceremony": "x" })] {
        step_up(&owner, wrong).await.error(422);
    }
    step_up(&owner, json!({ "totp": "123456" })).await.error(409);
}

/// Previews ask nothing, and neither does taking back.
#[tokio::test]
async fn looking_and_taking_back_ask_nothing() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("value").await;
    world.wait_seconds(301);
    let of_project = |what: &str| format!("/v1/manage/projects/{project}/{what}");
    owner.post(&of_project("delete"), &json!({ "preview": true })).await.expect(200);
    let grants = of_project(&format!("machines/{}/grants", machine.id));
    // The same set again gives nothing.
    owner.post(&grants, &json!({ "secretIds": [secret] })).await.expect(200);
    owner.post(&grants, &json!({ "secretIds": [] })).await.expect(200);
    assert_eq!(owner.post(&grants, &json!({ "secretIds": [secret] })).await.code(403), ASKED);
    owner.post(&of_project("freeze"), &json!({})).await.expect(200);
    owner.post(&format!("/v1/manage/machines/{}/revoke", machine.id), &json!({})).await.expect(200);
}

#[tokio::test]
async fn with_a_second_factor_a_password_is_not_enough() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (mut browser, _) = Browser::with_passkey(&owner, "laptop").await;
    let (app, codes) = CodeApp::enroll(&owner).await;
    world.wait_seconds(301);
    let pending = owner.pending_machine().await;
    let approve = async || owner.post(&format!("/v1/manage/machines/{}/approve", pending.id), &json!({})).await;
    assert_eq!(step_up(&owner, json!({ "password": PASSWORD })).await.code(401), "second_factor_required");
    assert_eq!(approve().await.code(403), ASKED);
    let code = app.code(world.now());
    // As people type it.
    step_up(&owner, json!({ "totp": format!("{} {}", &code[..3], &code[3..]) })).await.expect(200);
    step_up(&owner, json!({ "totp": code })).await.error(401);
    approve().await.expect(200);
    world.wait_seconds(301);
    step_up(&owner, json!({ "totp": codes[0] })).await.expect(200);
    step_up(&owner, json!({ "totp": codes[0] })).await.error(401);

    world.wait_seconds(301);
    let begun = owner.post("/v1/account/step-up/passkey", &json!({})).await.expect(200).json();
    let credential = browser.get(&begun["publicKey"]).await.unwrap();
    let mut wrong = credential.clone();
    wrong["response"]["signature"] = wrong["response"]["authenticatorData"].clone();
    let with = |credential| json!({ "ceremony": begun["ceremony"], "credential": credential });
    step_up(&owner, with(wrong)).await.error(401);
    step_up(&owner, with(credential.clone())).await.expect(200);
    step_up(&owner, with(credential)).await.error(410);
    assert_eq!(world.count(&owner, Action::StepUp).await, 3);
}

/// Somebody else's passkey shows nothing, and a ceremony is its person's.
#[tokio::test]
async fn nobody_steps_up_with_what_is_anothers() {
    let world = World::with(e2e::Options { open_sign_up: true, ..e2e::Options::default() }).await;
    let owner = world.owner().await;
    let stranger = Person::sign_up(&world, "stranger@example.org").await;
    let (mut browser, _) = Browser::with_passkey(&stranger, "theirs").await;
    let begun = owner.post("/v1/account/step-up/passkey", &json!({})).await.expect(200).json();
    let credential = browser.get(&begun["publicKey"]).await.unwrap();
    let body = json!({ "ceremony": begun["ceremony"], "credential": credential });
    step_up(&owner, body.clone()).await.error(401);
    step_up(&stranger, body.clone()).await.error(410);
    // A ceremony for stepping up signs nobody in.
    world.send(post("/v1/account/passkeys/sign-in/finish", &body)).await.error(410);
}

#[tokio::test]
async fn the_owner_can_switch_it_off() {
    let world = World::new().await;
    let owner = world.owner().await;
    let settings = async || owner.get("/v1/manage/settings").await.expect(200).json()["stepUp"].clone();
    assert_eq!(settings().await, true);
    world.wait_seconds(301);
    let off = json!({ "stepUp": false });
    assert_eq!(owner.post("/v1/manage/settings", &off).await.code(403), ASKED);
    owner.post("/v1/manage/settings", &json!({})).await.expect(200);
    step_up(&owner, json!({ "password": PASSWORD })).await.expect(200);
    owner.post("/v1/manage/settings", &off).await.expect(200);
    owner.post("/v1/manage/settings", &off).await.expect(200);
    assert_eq!(settings().await, false);
    world.wait_seconds(301);
    let pending = owner.pending_machine().await;
    owner.post(&format!("/v1/manage/machines/{}/approve", pending.id), &json!({})).await.expect(200);
    owner.post("/v1/manage/settings", &json!({ "stepUp": true })).await.expect(200);
    let log = world.audit(&owner).await;
    let changes = log.iter().filter(|record| record.action == Action::VaultSettingsUpdate);
    let said: Vec<_> = changes.map(|record| record.detail.split(':').next().unwrap()).collect();
    assert_eq!(said, ["Step-up switched on", "Step-up switched off"]);
}

/// The fingerprint that the script printed is the one that is shown, and an approval can name it.
#[tokio::test]
async fn an_approval_can_name_the_key() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (machine, agent) = (owner.pending_machine().await, owner.pending_agent(&[], &[]).await);
    for (path, key) in [
        (format!("/v1/manage/machines/{}", machine.id), &machine.key),
        (format!("/v1/manage/ai-agents/{}", agent.id), &agent.key),
    ] {
        let fingerprint = owner.get(&path).await.expect(200).field("keyFingerprint");
        assert_eq!(fingerprint, key.public().fingerprint());
        assert!(fingerprint.starts_with("SHA256:") && fingerprint.len() == 50, "{fingerprint}");
        let approve = async |fingerprint: &str| {
            owner.post(&format!("{path}/approve"), &json!({ "fingerprint": fingerprint })).await
        };
        assert_eq!(approve(&crypto::KeyPair::make().public().fingerprint()).await.code(409), "other_fingerprint");
        assert_eq!(owner.get(&path).await.json()["approved"], false);
        approve(&fingerprint).await.expect(200);
        assert_eq!(owner.get(&path).await.json()["approved"], true);
    }
}
