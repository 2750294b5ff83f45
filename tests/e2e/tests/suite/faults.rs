//! The store and the key layer failing, slow, or silent, at each call of each route.
//!
//! Every cell is a route, one of the calls it makes, a fault, and whether the fault hits every attempt of that call or
//! only the first. What must hold: a clear status; no value without its record; never two effects from one request;
//! and a fault that hits the first attempt only is not noticed at all. The time stands still in these tests, so slow
//! calls cost nothing.

use std::fmt::Write as _;

use crypto::KeyPair;
use e2e::{Fault, Machine, Options, Person, Request, World};
use serde_json::json;
use vault::Time;
use vault::audit::Action;

const VALUE: &str = "the value itself";

/// A route that is made to fail, and the record that says it took effect.
#[derive(Debug, Clone, Copy)]
struct Case {
    name: &'static str,
    effect: Option<Action>,
}

const CASES: [Case; 39] = [
    Case { name: "read-secret", effect: Some(Action::SecretRead) },
    Case { name: "read-secret, refused", effect: Some(Action::SecretReadDenied) },
    Case { name: "read-secret, forged", effect: Some(Action::AuthFailure) },
    Case { name: "export-secrets", effect: Some(Action::SecretExport) },
    Case { name: "list-secrets", effect: None },
    Case { name: "cli secrets", effect: None },
    Case { name: "verify-access", effect: None },
    Case { name: "poll-secrets", effect: None },
    Case { name: "bootstrap script", effect: None },
    Case { name: "bootstrap register", effect: Some(Action::MachineRegister) },
    Case { name: "enroll register", effect: Some(Action::MachineEnroll) },
    Case { name: "download bundle", effect: Some(Action::BundleDownload) },
    Case { name: "sign in", effect: Some(Action::SessionCreate) },
    Case { name: "create project", effect: Some(Action::ProjectCreate) },
    Case { name: "freeze", effect: Some(Action::ProjectFreeze) },
    Case { name: "attach machine", effect: Some(Action::ProjectMachineAdd) },
    Case { name: "detach machine", effect: Some(Action::ProjectMachineRemove) },
    Case { name: "set grants", effect: Some(Action::PermissionGrant) },
    Case { name: "create secret", effect: Some(Action::SecretCreate) },
    Case { name: "replace value", effect: Some(Action::SecretUpdate) },
    Case { name: "delete secret", effect: Some(Action::SecretDelete) },
    Case { name: "approve machine", effect: Some(Action::MachineApprove) },
    Case { name: "revoke machine", effect: Some(Action::MachineRevoke) },
    Case { name: "bootstrap token", effect: Some(Action::BootstrapTokenCreate) },
    Case { name: "create bundle", effect: Some(Action::BundleCreate) },
    Case { name: "enrollment token", effect: Some(Action::EnrollmentTokenCreate) },
    Case { name: "allowlist entry", effect: Some(Action::AllowlistEntryAdd) },
    Case { name: "rotate", effect: Some(Action::SecretRotate) },
    Case { name: "roll back", effect: Some(Action::SecretUpdate) },
    Case { name: "restore", effect: Some(Action::SecretRestore) },
    Case { name: "purge", effect: Some(Action::SecretPurge) },
    Case { name: "delete project", effect: Some(Action::ProjectDelete) },
    Case { name: "query machines", effect: None },
    Case { name: "deny machine", effect: Some(Action::MachineDeny) },
    Case { name: "register agent", effect: Some(Action::AgentRegister) },
    Case { name: "approve agent", effect: Some(Action::AgentApprove) },
    Case { name: "revoke agent", effect: Some(Action::AgentRevoke) },
    Case { name: "agent asks who it is", effect: Some(Action::AgentAccess) },
    Case { name: "agent rotates", effect: Some(Action::SecretRotate) },
];

/// Everything the case needs, made anew, and the request it is about.
async fn prepare<'w>(case: Case, owner: &Person<'w>, stage: &Stage<'w>) -> Request {
    // If it is time to note that the session is used, that is now: in the request it would be one call more.
    owner.get("/v1/account").await.expect(200);
    let nothing = json!({});
    let project = &stage.project;
    let of_project = |what: &str| format!("/v1/manage/projects/{project}/{what}");
    let of_secret = |what: &str| of_project(&format!("secrets/{}/{what}", stage.secret));
    let agent_token = json!({ "name": "helper", "scopes": ["audit.read"] });
    let key = KeyPair::make().public().to_base64();
    match case.name {
        "read-secret" => {
            // A new version, so that its delivery is noted.
            owner
                .post(&of_project(&format!("secrets/{}/update", stage.secret)), &json!({ "value": VALUE }))
                .await
                .expect(200);
            stage.machine.request("GET", &format!("/v1/secret/{}", stage.secret), b"")
        }
        "read-secret, refused" => stage.machine.request("GET", "/v1/secret/sk_0000000000", b""),
        "read-secret, forged" => {
            stage.machine.request("GET", &format!("/v1/secret/{}", stage.secret), b"").replace("x-timestamp", "1")
        }
        "export-secrets" => stage.machine.request("POST", "/v1/secrets/export", b""),
        "list-secrets" => stage.machine.request("GET", "/v1/secrets", b""),
        "cli secrets" => stage.machine.request("GET", "/v1/cli/secrets", b""),
        "verify-access" => {
            stage.machine.request("POST", "/v1/verify-access", json!({ "projectId": project }).to_string().as_bytes())
        }
        "poll-secrets" => {
            let fresh = owner.secret(project, "fresh", VALUE).await;
            owner.grant(project, &stage.machine, &[&stage.secret, &fresh]).await.expect(200);
            let watch = json!({ "watch": [fresh, "sk_0000000000"] });
            stage.machine.request("POST", "/v1/secrets/poll", watch.to_string().as_bytes())
        }
        "bootstrap script" => Request::new("GET", &format!("/v1/bootstrap/{}", owner.bootstrap_token().await)),
        "bootstrap register" => {
            let path = format!("/v1/bootstrap/{}/register", owner.bootstrap_token().await);
            Request::new("POST", &path).json(&json!({ "publicKey": key, "hostname": "h" }))
        }
        "enroll register" => {
            let token =
                owner.post("/v1/manage/enrollment-tokens", &stage.enrollment()).await.expect(200).field("token");
            let body = json!({ "token": token, "publicKey": key, "hostname": "h" });
            Request::new("POST", &format!("/v1/{}/enroll/register", owner.vault)).json(&body)
        }
        "download bundle" => {
            let made = owner.post("/v1/manage/bundles", &stage.bundle()).await.expect(200).field("url");
            Request::new("GET", made.strip_prefix("http://localhost:8080").unwrap())
        }
        "sign in" => {
            let body = json!({ "email": "owner@example.org", "password": "a long passw0rd!" });
            Request::new("POST", "/v1/account/sign-in").header("x-sikkerkey-request", "1").json(&body)
        }
        "create project" => owner.request("/v1/manage/projects", Some(&json!({ "name": "p" }))),
        "freeze" => {
            let project = owner.project("to freeze").await;
            owner.request(&format!("/v1/manage/projects/{project}/freeze"), Some(&nothing))
        }
        "attach machine" => {
            let machine = owner.machine().await;
            owner.request(&of_project("machines"), Some(&json!({ "machineId": machine.id })))
        }
        "detach machine" => {
            let machine = owner.machine().await;
            owner.attach(project, &machine).await;
            owner.grant(project, &machine, &[&stage.secret]).await.expect(200);
            owner.request(&of_project(&format!("machines/{}/detach", machine.id)), Some(&nothing))
        }
        "set grants" => {
            let machine = owner.machine().await;
            owner.attach(project, &machine).await;
            let body = json!({ "secretIds": [stage.secret] });
            owner.request(&of_project(&format!("machines/{}/grants", machine.id)), Some(&body))
        }
        "create secret" => owner.request(&of_project("secrets"), Some(&json!({ "name": "n", "value": VALUE }))),
        "replace value" => {
            let body = json!({ "value": VALUE });
            owner.request(&of_project(&format!("secrets/{}/update", stage.secret)), Some(&body))
        }
        "delete secret" => {
            let secret = owner.secret(project, "to delete", VALUE).await;
            owner.request(&of_project(&format!("secrets/{secret}/delete")), Some(&nothing))
        }
        "approve machine" => {
            let machine = owner.pending_machine().await;
            owner.request(&format!("/v1/manage/machines/{}/approve", machine.id), Some(&nothing))
        }
        "revoke machine" => {
            let machine = owner.machine().await;
            owner.attach(project, &machine).await;
            owner.grant(project, &machine, &[&stage.secret]).await.expect(200);
            owner.request(&format!("/v1/manage/machines/{}/revoke", machine.id), Some(&nothing))
        }
        "bootstrap token" => owner.request("/v1/manage/bootstrap-tokens", Some(&nothing)),
        "create bundle" => owner.request("/v1/manage/bundles", Some(&stage.bundle())),
        "enrollment token" => owner.request("/v1/manage/enrollment-tokens", Some(&stage.enrollment())),
        "allowlist entry" => {
            owner
                .post("/v1/manage/ipallowlist/bulk-delete", &json!({ "entryIds": stage.entries(owner).await }))
                .await
                .expect(200);
            owner.request("/v1/manage/ipallowlist", Some(&json!({ "cidr": "192.0.2.0/24" })))
        }
        "rotate" => owner.request(&of_secret("rotate"), Some(&nothing)),
        "roll back" => {
            owner.post(&of_secret("rotate"), &nothing).await.expect(200);
            let version = owner.get(&of_project(&format!("secrets/{}", stage.secret))).await.json()["version"].clone();
            owner.request(&of_secret("rollback"), Some(&json!({ "version": version })))
        }
        "restore" | "purge" => {
            let secret = owner.secret(project, "in the trash", VALUE).await;
            owner.post(&of_project(&format!("secrets/{secret}/delete")), &nothing).await.expect(200);
            owner.request(&format!("/v1/manage/trash/{secret}/{}", case.name), Some(&nothing))
        }
        "delete project" => {
            let project = owner.project("to delete").await;
            let body = json!({ "confirmName": "to delete" });
            owner.request(&format!("/v1/manage/projects/{project}/delete"), Some(&body))
        }
        "query machines" => owner.request(&of_project("machines/query"), Some(&nothing)),
        "deny machine" => {
            let machine = owner.pending_machine().await;
            owner.request(&format!("/v1/manage/machines/{}/deny", machine.id), Some(&nothing))
        }
        "register agent" => {
            let token = owner.post("/v1/manage/agent-bootstrap-tokens", &agent_token).await.expect(200).field("token");
            Request::new("POST", "/v1/ai-bootstrap/register").json(&json!({ "token": token, "publicKey": key }))
        }
        "approve agent" => {
            let agent = owner.pending_agent(&[], &[]).await;
            owner.request(&format!("/v1/manage/ai-agents/{}/approve", agent.id), Some(&nothing))
        }
        "revoke agent" => {
            let agent = owner.agent(&[], &[]).await;
            owner.request(&format!("/v1/manage/ai-agents/{}/revoke", agent.id), Some(&nothing))
        }
        "agent asks who it is" => owner.agent(&[], &[]).await.request("/v1/ai/whoami", None),
        "agent rotates" => {
            let path = format!("/v1/ai/projects/{project}/secrets/{}/rotate", stage.secret);
            owner.agent(&["projects.secrets.write"], &[]).await.request(&path, Some(&nothing))
        }
        other => panic!("no request for {other}"),
    }
}

/// What most cases share.
struct Stage<'w> {
    project: String,
    secret: String,
    machine: Machine<'w>,
}

impl Stage<'_> {
    fn enrollment(&self) -> serde_json::Value {
        json!({ "name": "ci", "projectIds": [self.project], "secretIds": [self.secret], "tokenLifetimeSeconds": 600,
                "machineLifetimeSeconds": 600, "maxUses": 5 })
    }

    fn bundle(&self) -> serde_json::Value {
        json!({ "projectId": self.project, "secretIds": [self.secret] })
    }

    async fn entries(&self, owner: &Person<'_>) -> Vec<String> {
        let list = owner.get("/v1/manage/ipallowlist").await.json();
        list["entries"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_of_every_route_may_fail() {
    let world = World::with(Options { lockout_failures: Some(40), ..Options::default() }).await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable(VALUE).await;
    let stage = Stage { project, secret, machine };
    let mut table = format!("{:<24} {:>5}  cells\n", "route", "calls");
    let mut cells = 0;
    for case in CASES {
        let good = prepare(case, &owner, &stage).await;
        world.store.forget();
        let expected = world.send(good).await;
        let calls = world.store.operations();
        assert!(!calls.is_empty() && !expected.status.is_server_error(), "{}: {}", case.name, expected.text());
        for (nth, call) in calls.iter().enumerate() {
            // Only a transaction can be in the way of another one.
            for fault in
                Fault::ALL.into_iter().filter(|fault| *fault != Fault::Conflict || call == "TransactWriteItems")
            {
                for every_attempt in [false, true] {
                    // Sessions last twelve hours, and failures must not lock the address out.
                    world.wait_seconds(15);
                    cell(&world, &owner, &stage, case, expected.status.as_u16(), (nth, call, fault, every_attempt))
                        .await;
                    cells += 1;
                }
            }
        }
        let faults = "each x {error, throttle, delay, lost answer, conflict} x {first attempt, every attempt}";
        writeln!(table, "{:<24} {:>5}  {} {faults}", case.name, calls.len(), calls.join(" ")).unwrap();
    }
    writeln!(table, "{cells} cells").unwrap();
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/faults.txt"), &table).unwrap();
    println!("{table}");
}

/// One cell of the table.
async fn cell<'w>(
    world: &World,
    owner: &Person<'w>,
    stage: &Stage<'w>,
    case: Case,
    expected: u16,
    (nth, call, fault, every_attempt): (usize, &str, Fault, bool),
) {
    let what = format!("{}: call {nth} ({call}), {fault:?}, every attempt: {every_attempt}", case.name);
    let request = prepare(case, owner, stage).await;
    let before = world.now();
    world.store.fail(nth, fault, every_attempt);
    let answer = world.send(request).await;
    world.store.heal();
    let effects = effects(world, owner, case, before).await;
    let status = answer.status.as_u16();

    assert!(effects <= 1, "{what}: {effects} effects from one request");
    if !every_attempt {
        assert_eq!(status, expected, "{what}: {}", answer.text());
    }
    if status == expected {
        assert_eq!(effects, usize::from(case.effect.is_some()), "{what}: answered without its record");
    } else if fault == Fault::Conflict {
        assert_eq!(answer.error(409), "This changed at the same time, try again", "{what}");
    } else {
        assert_eq!(status, 503, "{what}: {}", answer.text());
        assert_eq!(answer.error(503), "The store is unavailable, try again later", "{what}");
        assert!(!answer.text().contains(VALUE));
    }
}

/// How often the case took effect after this time: the newest records say it.
async fn effects(world: &World, owner: &Person<'_>, case: Case, after: Time) -> usize {
    let newest = world.newest_records(owner, 20).await;
    newest.iter().filter(|record| record.timestamp > after && Some(record.action) == case.effect).count()
}

/// Without its key layer the server is sealed: 503, nothing written, nothing lost.
#[tokio::test]
async fn without_the_key_layer_nothing_opens_and_nothing_is_lost() {
    let world = World::with(Options { key_cache_seconds: Some(0), ..Options::default() }).await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable(VALUE).await;
    let stage = Stage { project: project.clone(), secret: secret.clone(), machine };
    let cases = CASES.into_iter().filter(|case| {
        [
            "read-secret",
            "export-secrets",
            "download bundle",
            "create project",
            "create secret",
            "replace value",
            "create bundle",
        ]
        .contains(&case.name)
    });
    for case in cases {
        let request = prepare(case, &owner, &stage).await;
        let before = world.now();
        world.keys.set_down(true);
        let answer = world.send(request.clone()).await;
        world.keys.set_down(false);
        assert_eq!(answer.error(503), "The server is sealed, try again later", "{}", case.name);
        let written = effects(&world, &owner, case, before).await;
        // A read is recorded before it is opened; everything else has done nothing.
        assert_eq!(written, usize::from(["read-secret", "export-secrets"].contains(&case.name)), "{}", case.name);
        if written == 0 {
            world.send(request).await.expect(200);
        }
    }
    stage.machine.read(&secret).await.expect(200);
}

/// A removal that was cut off is finished by asking again.
#[tokio::test(start_paused = true)]
async fn a_removal_that_was_cut_off_is_taken_up() {
    let world = World::with(Options { lockout_failures: Some(40), ..Options::default() }).await;
    let owner = world.owner().await;
    for nth in 0..12 {
        let (project, secret, machine) = owner.readable(VALUE).await;
        machine.read(&secret).await.expect(200);
        let path = format!("/v1/manage/machines/{}/revoke", machine.id);
        world.store.fail(nth, Fault::Error, true);
        let answer = owner.post(&path, &json!({})).await;
        world.store.heal();
        if answer.status == 200 {
            assert!(nth > 5, "the removal makes more calls than {nth}");
            return;
        }
        answer.error(503);
        let again = owner.post(&path, &json!({})).await;
        assert!(again.status == 200 || again.status == 404, "{}", again.text());
        assert!(!machine.read(&secret).await.status.is_success());
        assert_eq!(world.members(&project).await, [""; 0], "cut off at call {nth}");
        assert!(world.services.store.grants(machine.id.parse().unwrap(), None).await.unwrap().is_empty());
    }
    panic!("the removal never came through");
}

/// A detachment that was cut off leaves grants behind; adding the machine again does not bring them back to life.
#[tokio::test(start_paused = true)]
async fn grants_left_behind_do_not_come_back() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable(VALUE).await;
    let path = format!("/v1/manage/projects/{project}/machines/{}/detach", machine.id);
    let mut cut_off = false;
    for nth in 0..12 {
        world.store.fail(nth, Fault::Error, true);
        let detached = owner.post(&path, &json!({})).await;
        world.store.heal();
        owner.attach(&project, &machine).await;
        let member = world.members(&project).await.contains(&machine.id);
        assert!(member);
        if detached.status == 200 {
            assert!(cut_off, "some call was cut off after the membership was gone");
            machine.read(&secret).await.error(403);
            return;
        }
        let read = machine.read(&secret).await;
        if read.status != 200 {
            assert_eq!(read.error(403), "Machine has no grant for this secret", "cut off at call {nth}");
            cut_off = true;
            owner.grant(&project, &machine, &[&secret]).await.expect(200);
        }
    }
    panic!("the detachment never came through");
}
