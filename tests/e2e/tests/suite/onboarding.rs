//! Bootstrap, enrollment and bundles: one-time things, their limits and their ends.

use crypto::KeyPair;
use e2e::{Answer, Fault, Machine, Person, Request, World, keys};
use rules::audit::Action;
use serde_json::{Value, json};
use std::io::Read as _;

pub(crate) fn registration(token: &str, key: &KeyPair) -> Request {
    let body = json!({ "publicKey": key.public().to_base64(), "hostname": "host" });
    Request::new("POST", &format!("/v1/bootstrap/{token}/register")).json(&body)
}

#[tokio::test]
async fn a_bootstrap_token_registers_one_machine() {
    let world = World::new().await;
    let owner = world.owner().await;
    let made = owner.post("/v1/manage/bootstrap-tokens", &json!({})).await.expect(200).json();
    let token = made["token"].as_str().unwrap();
    assert_eq!(token.len(), 64);
    assert_eq!(made["commands"]["sh"], format!("curl -sSL http://localhost:8080/v1/bootstrap/{token} | sh"));
    world.assert_now(rules::Time::from_ms(made["expiresAt"].as_u64().unwrap()).minus_seconds(600));

    // Fetching scripts does not use it.
    for suffix in ["", "/ps", "/k8s", "/ci"] {
        let script = world.send(Request::new("GET", &format!("/v1/bootstrap/{token}{suffix}"))).await.expect(200);
        let text = script.text();
        assert!(text.contains(token) && text.contains("http://localhost:8080"), "{suffix}");
        assert!(!text.contains("__SIKKERKEY"), "{suffix}");
        assert_eq!(script.headers["content-type"], "text/plain; charset=utf-8");
    }
    // Nor does a registration that is not well formed.
    for body in [
        json!({ "publicKey": "", "hostname": "h" }),
        json!({ "publicKey": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "hostname": "h" }),
        json!({ "publicKey": KeyPair::make().public().to_base64(), "hostname": "" }),
        json!({ "publicKey": KeyPair::make().public().to_base64() }),
        json!({ "publicKey": KeyPair::make().public().to_base64(), "hostname": "h", "more": 1 }),
    ] {
        let request = Request::new("POST", &format!("/v1/bootstrap/{token}/register")).json(&body);
        let text = world.send(request).await.error(422);
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || " .,-".contains(c)), "{text}");
    }
    let answer = world.send(registration(token, &KeyPair::make())).await.expect(200).json();
    assert_eq!(keys(&answer), ["apiUrl", "machineId", "machineName", "vaultId"]);
    assert_eq!((&answer["apiUrl"], &answer["machineName"]), (&json!("http://localhost:8080"), &json!("host")));
    assert_eq!(answer["vaultId"], owner.vault);

    world.send(registration(token, &KeyPair::make())).await.error(401);
    world.send(Request::new("GET", &format!("/v1/bootstrap/{token}"))).await.error(401);
    assert_eq!(world.count(&owner, Action::MachineRegister).await, 1);
}

#[tokio::test]
async fn a_bootstrap_token_lives_ten_minutes() {
    let world = World::new().await;
    let owner = world.owner().await;
    let token = owner.bootstrap_token().await;
    world.wait_seconds(599);
    world.send(Request::new("GET", &format!("/v1/bootstrap/{token}"))).await.expect(200);
    world.wait_seconds(1);
    world.send(Request::new("GET", &format!("/v1/bootstrap/{token}"))).await.error(401);
    world.send(registration(&token, &KeyPair::make())).await.error(401);
}

struct Enrollments<'w> {
    world: &'w World,
    vault: String,
    token: String,
    id: String,
}

impl<'w> Enrollments<'w> {
    async fn new(owner: &Person<'w>, differs: Value) -> Self {
        let mut body = json!({
            "name": "ci", "projectIds": null, "secretIds": null, "tokenLifetimeSeconds": 3_600,
            "machineLifetimeSeconds": 600, "maxUses": 5,
        });
        body.as_object_mut().unwrap().extend(differs.as_object().unwrap().clone());
        let made = owner.post("/v1/manage/enrollment-tokens", &body).await.expect(200);
        assert_eq!(made.field("enrollUrl"), format!("http://localhost:8080/v1/{}/enroll/register", owner.vault));
        Self { world: owner.world, vault: owner.vault.clone(), token: made.field("token"), id: made.field("id") }
    }

    async fn enroll(&self, key: &KeyPair, hostname: &str, from: &str) -> Answer {
        let body = json!({ "token": self.token, "publicKey": key.public().to_base64(), "hostname": hostname });
        let request = Request::new("POST", &format!("/v1/{}/enroll/register", self.vault)).json(&body).from(from);
        self.world.send(request).await
    }
}

#[tokio::test]
async fn an_enrolled_machine_reads_at_once_and_ends_by_itself() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("ci").await;
    let secret = owner.secret(&project, "s", "value").await;
    let differs = json!({ "projectIds": [project], "secretIds": [secret], "namePattern": "w-{uuid8}-{hostname}-{n}" });
    let enrollments = Enrollments::new(&owner, differs).await;
    let key = KeyPair::make();
    let answer = enrollments.enroll(&key, "runner", "192.0.2.50").await.expect(200).json();
    let id = answer["machineId"].as_str().unwrap().to_owned();
    assert_eq!(answer["machineName"], format!("w-{}-runner-1", &id[..8]));
    assert_eq!(answer["expiresAt"], world.now().seconds() + 600, "epoch seconds");
    assert_eq!(answer.as_object().unwrap().len(), 5);

    let machine = Machine { world: &world, id: id.clone(), key, from: "192.0.2.50".into() };
    machine.read(&secret).await.expect(200);
    world.wait_seconds(599);
    machine.read(&secret).await.expect(200);
    world.wait_seconds(1);
    // Refused at once, before any sweep, and as an authentication failure.
    machine.read(&secret).await.error(401);
    machine.get("/v1/secrets").await.error(401);
    assert_eq!(world.count(&owner, Action::AuthFailure).await, 1, "once a minute");

    let view = |id: &str| format!("/v1/manage/machines/{id}");
    let row = owner.get(&view(&id)).await.expect(200).json();
    assert_eq!((&row["kind"], &row["enabled"], &row["grantCount"]), (&json!("ephemeral"), &json!(true), &json!(1)));
    assert_eq!(row["enrollmentTokenId"], enrollments.id);
    // A sweep that could not end something has failed, and the next one ends it.
    for call in 1..4 {
        world.store.fail(call, Fault::Error, true);
        assert_eq!(world.try_sweep().await.unwrap_err().status(), 503);
        world.store.heal();
    }
    assert_eq!(world.sweep().await, 1);
    assert_eq!(owner.get(&view(&id)).await.expect(200).json()["enabled"], false);
    assert_eq!(world.count(&owner, Action::MachineExpire).await, 1);
    assert_eq!(world.sweep().await, 0);
}

#[tokio::test]
async fn each_condition_of_a_token_holds() {
    let world = World::new().await;
    let owner = world.owner().await;
    let key = || KeyPair::make();
    let here = "192.0.2.50";

    let bound =
        Enrollments::new(&owner, json!({ "sourceCidr": "192.0.2.0/24", "hostnamePattern": "run-[0-9]+" })).await;
    bound.enroll(&key(), "run-1", "198.51.100.1").await.error(403);
    bound.enroll(&key(), "run-1x", here).await.error(403);
    bound.enroll(&key(), "run-1", here).await.expect(200);
    // Its length is looked at before the pattern.
    assert!(bound.enroll(&key(), &"run-1".repeat(4_000), here).await.error(422).starts_with("hostname "));

    let once = Enrollments::new(&owner, json!({ "maxUses": 1 })).await;
    once.enroll(&key(), "h", here).await.expect(200);
    once.enroll(&key(), "h", here).await.error(409);

    let revoked = Enrollments::new(&owner, json!({})).await;
    let path = format!("/v1/manage/enrollment-tokens/{}", revoked.id);
    owner.post(&format!("{path}/revoke"), &json!({ "reason": "leaked" })).await.expect(200);
    owner.post(&format!("{path}/revoke"), &json!({})).await.expect(200);
    revoked.enroll(&key(), "h", here).await.error(401);
    let row = owner.get(&path).await.expect(200).json();
    assert_eq!((&row["revoked"], &row["revocationReason"]), (&json!(true), &json!("leaked")));

    let short = Enrollments::new(&owner, json!({ "tokenLifetimeSeconds": 60 })).await;
    world.wait_seconds(60);
    short.enroll(&key(), "h", here).await.error(401);

    let elsewhere = Enrollments { vault: "vault_0000000000".into(), ..Enrollments::new(&owner, json!({})).await };
    elsewhere.enroll(&key(), "h", here).await.error(401);

    // The allowlist gates enrollment too.
    let gated = Enrollments::new(&owner, json!({})).await;
    owner.post("/v1/manage/ipallowlist/enable", &json!({})).await.expect(200);
    assert_eq!(gated.enroll(&key(), "h", here).await.error(403), "Access denied");
    owner.post("/v1/manage/ipallowlist/disable", &json!({})).await.expect(200);
    gated.enroll(&key(), "h", here).await.expect(200);
    // What a token that is good was refused for is recorded.
    let log = world.audit(&owner).await;
    let denied = log.iter().filter(|record| record.action == Action::EnrollmentDenied);
    let denied: Vec<_> = denied.map(|record| record.detail.split(": ").nth(1).unwrap()).collect();
    let told = [
        "Access denied",
        "This host name may not use the enrollment token",
        "This address may not use the enrollment token",
    ];
    assert_eq!(denied, told);

    let tokens = owner.get("/v1/manage/enrollment-tokens").await.expect(200);
    assert_eq!(tokens.json()["tokens"].as_array().unwrap().len(), 6);
    assert!(!tokens.text().contains("ske_"));
}

#[tokio::test]
async fn a_token_is_made_within_bounds() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("one").await;
    let secret = owner.secret(&project, "s", "v").await;
    let good = json!({
        "name": "ci", "projectIds": [project], "secretIds": [secret], "tokenLifetimeSeconds": 60,
        "machineLifetimeSeconds": 31_536_000, "maxUses": 10_000,
    });
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let path = "/v1/manage/enrollment-tokens";
    owner.post(path, &good).await.expect(200);
    for (body, status) in [
        (with("name", json!("")), 422),
        (with("tokenLifetimeSeconds", json!(59)), 422),
        (with("machineLifetimeSeconds", json!(31_536_001)), 422),
        (with("maxUses", json!(0)), 422),
        (with("maxUses", json!(10_001)), 422),
        (with("maxUses", json!(-1)), 422),
        (with("maxUses", json!(1.5)), 422),
        (with("sourceCidr", json!("192.0.2.0/33")), 422),
        (with("hostnamePattern", json!("(")), 422),
        (with("namePattern", json!("{nope}")), 422),
        (with("projectIds", json!(["proj_0000000000"])), 404),
        (with("projectIds", json!(["nonsense"])), 422),
        (with("secretIds", json!(["sk_0000000000"])), 404),
        (with("namePattern", json!("ci")), 422),
        (with("namePattern", json!("ci-[0-9]+-{n}")), 422),
    ] {
        owner.post(path, &body).await.error(status);
    }
    // Secrets alone are enough: their projects are joined.
    let id = owner.post(path, &with("projectIds", json!([]))).await.expect(200).field("id");
    let row = owner.get(&format!("{path}/{id}")).await.expect(200).json();
    assert_eq!((&row["projectIds"], &row["secretIds"]), (&json!([project]), &json!([secret])));
}

#[tokio::test]
async fn a_bundle_is_downloaded_once_and_works() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("containers").await;
    let secret = owner.secret(&project, "s", "value").await;
    let body = json!({ "projectId": project, "secretIds": [secret], "name": "web" });
    let made = owner.post("/v1/manage/bundles", &body).await.expect(200);
    let path = made.field("url").strip_prefix("http://localhost:8080").unwrap().to_owned();

    // Neither a look at it nor a key layer that is down uses it up.
    world.send(Request::new("HEAD", &path)).await.expect(404);
    world.keys.set_down(true);
    world.wait_seconds(300);
    world.send(Request::new("GET", &path)).await.error(503);
    world.keys.set_down(false);

    let archive = world.send(Request::new("GET", &path)).await.expect(200);
    assert_eq!(archive.headers["content-type"], "application/zip");
    world.send(Request::new("GET", &path)).await.error(410);

    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive.body)).unwrap();
    let folder = format!("vaults/{}", owner.vault);
    let mut read = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let identity: Value = serde_json::from_str(&read("identity.json")).unwrap();
    assert_eq!(
        identity,
        json!({ "machineId": made.field("machineId"), "machineName": "web", "vaultId": owner.vault,
                "apiUrl": "http://localhost:8080", "privateKeyPath": "/etc/sikkerkey/private.pem" })
    );
    assert_eq!(read("cli.json"), "{}");
    assert_eq!(read("identity.json"), read(&format!("{folder}/identity.json")));
    let pem = read("private.pem");
    assert_eq!(pem, read(&format!("{folder}/private.pem")));

    let machine = Machine { world: &world, id: made.field("machineId"), key: key_of(&pem), from: "192.0.2.7".into() };
    assert_eq!(machine.read(&secret).await.expect(200).field("value"), "value");
    // A fetched bundle's machine stays.
    world.wait_seconds(1_000);
    world.sweep().await;
    machine.read(&secret).await.expect(200);
}

fn key_of(pem: &str) -> KeyPair {
    use base64::Engine as _;
    let encoded: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
    assert_eq!(der.len(), 48);
    KeyPair::from_seed(der[16..].try_into().unwrap())
}

#[tokio::test]
async fn a_bundle_nobody_fetches_is_removed_with_its_machine() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("containers").await;
    let secret = owner.secret(&project, "s", "value").await;
    let made =
        owner.post("/v1/manage/bundles", &json!({ "projectId": project, "secretIds": [secret] })).await.expect(200);
    let path = made.field("url").strip_prefix("http://localhost:8080").unwrap().to_owned();
    let machine = format!("/v1/manage/machines/{}", made.field("machineId"));
    world.wait_seconds(899);
    assert_eq!(world.sweep().await, 0);
    world.wait_seconds(1);
    world.send(Request::new("GET", &path)).await.error(410);
    owner.get(&machine).await.expect(200);
    // A minute later, because a download that began in time may still be under way.
    assert_eq!(world.sweep().await, 0);
    world.wait_seconds(60);
    assert_eq!(world.sweep().await, 1);
    owner.get(&machine).await.error(404);
    world.send(Request::new("GET", &path)).await.error(410);
    assert_eq!(world.count(&owner, Action::BundleExpire).await, 1);
    assert_eq!(world.members(&project).await, [""; 0]);

    let other = owner.project("other").await;
    owner.post("/v1/manage/bundles", &json!({ "projectId": other, "secretIds": [secret] })).await.error(404);
    let many: Vec<String> = (0..91).map(|n| format!("sk_{n:010}")).collect();
    owner.post("/v1/manage/bundles", &json!({ "projectId": project, "secretIds": many })).await.error(422);
}

#[tokio::test]
async fn the_enrollment_script_is_served_for_any_vault() {
    let world = World::new().await;
    let script = world.send(Request::new("GET", "/v1/vault_a1b2c3d4e5/enroll/script")).await.expect(200).text();
    assert!(script.contains("vault_a1b2c3d4e5") && script.contains("http://localhost:8080"));
    assert!(!script.contains("__SIKKERKEY"));
    world.send(Request::new("GET", "/v1/nonsense/enroll/script")).await.error(404);
}
