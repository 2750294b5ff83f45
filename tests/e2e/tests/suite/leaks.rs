//! What is secret appears nowhere: not in logs, errors, audit records, answers, or the store in clear.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::cases::{self, Things};
use e2e::{Answer, EveryLine, Fault, Options, Person, Request, World};
use serde_json::{Value, json};

/// Looks for a secret in every form it could take.
#[track_caller]
fn absent(secret: &str, place: &str, text: &str) {
    for form in [secret.to_owned(), STANDARD.encode(secret), hex(secret)] {
        assert!(!text.contains(&form), "found in {place}");
    }
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |all, byte| all + &format!("{byte:02x}"))
}

#[tokio::test]
async fn a_marker_is_found_nowhere_it_should_not_be() {
    let lines = EveryLine::of_this_thread();
    let world = World::with(Options { lockout_failures: Some(40), ..Options::default() }).await;
    let marker = "MARKER-7d1f0c9e-value";
    let password = "MARKER-7d1f0c9e-password-1!";
    let body = json!({ "email": "owner@example.org", "username": "o", "password": password });
    let sign_up = Request::new("POST", "/v1/account/sign-up").header("x-sikkerkey-request", "1").json(&body);
    let answer = world.send(sign_up).await.expect(200);
    let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let owner = Person {
        world: &world,
        cookie: cookie.clone(),
        id: answer.field("userId"),
        vault: answer.field("vaultId"),
        email: "owner@example.org".into(),
    };
    let mut answers: Vec<Answer> = vec![answer];

    // Values through every route that takes or gives one.
    let (project, secret, machine) = owner.readable(marker).await;
    let of_project = |what: &str| format!("/v1/manage/projects/{project}/{what}");
    answers.push(
        owner
            .post(&of_project("secrets"), &json!({ "name": "plain", "value": marker, "note": "note" }))
            .await
            .expect(200),
    );
    let fields = json!({ "name": "fields", "value": json!({ "a": marker }).to_string(), "fieldNames": ["a"] });
    answers.push(owner.post(&of_project("secrets"), &fields).await.expect(200));
    answers.push(
        owner.post(&of_project(&format!("secrets/{secret}/update")), &json!({ "value": marker })).await.expect(200),
    );
    assert!(machine.read(&secret).await.expect(200).text().contains(marker));
    assert!(machine.post("/v1/secrets/export", &json!({})).await.expect(200).text().contains(marker));

    // And through every way in which those can fail.
    for body in [
        json!({ "name": "n", "value": [marker] }),
        json!({ "name": "n", "value": { marker: marker } }),
        json!({ "name": "n", "value": marker, "fieldNames": ["a"] }),
        json!({ "name": "n", "value": json!({ "a": marker, "b": marker }).to_string(), "fieldNames": ["a"] }),
        json!({ "name": "n", "value": marker.repeat(4_000) }),
        json!({ "name": "n", "value": marker, "note": 1 }),
        json!({ "name": "", "value": marker }),
        json!({ "name": "n", "value": marker, "projectId": "proj_0000000000" }),
    ] {
        let answer = owner.post(&of_project("secrets"), &body).await;
        assert!(answer.status.is_client_error());
        answers.push(answer);
    }
    let mut cut = owner.request(&of_project("secrets"), Some(&json!({ "name": "n", "value": marker })));
    cut.body.pop();
    answers.push(world.send(cut.clone()).await);
    answers.push(world.send(cut.replace("content-type", "text/plain")).await);
    for path in ["/v1/account/sign-in", "/v1/account/sign-up"] {
        for body in [
            json!({ "email": "owner@example.org", "password": format!("{password}x") }),
            json!({ "email": "owner@example.org", "password": [password] }),
            json!({ "email": "owner@example.org", "username": "x", "password": password }),
            json!({ "email": "other@example.org", "username": "x", "password": "MARKER-7d1f0c9e-password-1" }),
        ] {
            answers.push(world.send(Request::new("POST", path).header("x-sikkerkey-request", "1").json(&body)).await);
        }
    }
    world.keys.set_down(true);
    world.wait_seconds(301);
    answers.push(machine.read(&secret).await);
    answers.push(owner.post(&of_project("secrets"), &json!({ "name": "n", "value": marker })).await);
    world.keys.set_down(false);
    let path = format!("/v1/secret/{secret}");
    answers.push(world.send(machine.request("GET", &path, b"").replace("x-timestamp", "1")).await);

    // One-time tokens and private keys.
    owner.post("/v1/account/step-up", &json!({ "password": password })).await.expect(200);
    let made = owner.post("/v1/manage/bootstrap-tokens", &json!({})).await.expect(200);
    let bootstrap = made.field("token");
    world.send(Request::new("GET", &format!("/v1/bootstrap/{bootstrap}"))).await.expect(200);
    let made =
        owner.post("/v1/manage/bundles", &json!({ "projectId": project, "secretIds": [secret] })).await.expect(200);
    let bundle = made.field("url").rsplit('/').next().unwrap().to_owned();
    let archive = world.send(Request::new("GET", &format!("/v1/bundle/{bundle}"))).await.expect(200);
    let archive = String::from_utf8_lossy(&archive.body).into_owned();
    let key_line = archive.lines().find(|line| line.starts_with("MC4CAQAw")).unwrap().to_owned();
    let made = json!({ "name": "ci", "projectIds": null, "secretIds": null, "tokenLifetimeSeconds": 600,
                       "machineLifetimeSeconds": 600, "maxUses": 1 });
    let enrollment = owner.post("/v1/manage/enrollment-tokens", &made).await.expect(200).field("token");
    let session = cookie.split_once('=').unwrap().1.to_owned();
    for path in ["/v1/manage/machines", "/v1/manage/enrollment-tokens", "/v1/account/sessions", "/v1/account"] {
        answers.push(owner.get(path).await.expect(200));
    }
    answers.push(owner.get(&of_project("secrets")).await.expect(200));
    answers.push(owner.post("/v1/manage/audit/query", &json!({ "pageSize": 200 })).await.expect(200));

    let logs = lines.logged();
    assert!(logs.contains("\"route\":\"GET /v1/secret/{secretId}\""), "the logs are looked at");
    let records = format!("{:?}", world.audit(&owner).await);
    let stored: String = world.store.calls().iter().map(|call| call.body.to_string()).collect();
    let answered: String =
        answers.iter().map(|answer| answer.text() + &format!("{:?}", answer.headers.get("location"))).collect();
    for secret in [marker, password, &bootstrap, &bundle, &enrollment, &session, &key_line] {
        absent(secret, "the logs", &logs);
        absent(secret, "the audit log", &records);
        absent(secret, "what was written to the store", &stored);
        absent(secret, "answers", &answered);
    }
    // Hashes of tokens are what is stored.
    assert!(stored.contains(crypto::TokenHash::of_hex(&bootstrap).unwrap().as_str()));
}

/// The fields of bodies whose content is nobody's business.
const SECRET: [&str; 8] =
    ["value", "password", "currentPassword", "newPassword", "token", "totp", "ceremony", "credential"];

/// A body with this text in the place of each text in it: of the secret ones or of the others.
fn marked(body: &Value, marker: &str, secret: bool) -> Vec<Value> {
    let fields = body.as_object().unwrap();
    let mut all = vec![];
    for name in fields.keys().filter(|name| SECRET.contains(&name.as_str()) == secret) {
        for wrong in [json!(marker), json!([marker]), json!({ marker: marker }), json!({ "a": { "b": marker } })] {
            let mut changed = fields.clone();
            changed.insert(name.clone(), wrong);
            all.push(changed.into());
        }
    }
    let mut more = fields.clone();
    more.insert("colour".to_owned(), json!(marker));
    all.push(more.into());
    all
}

/// Whatever any handler is sent, when all is well and when the store is away, the log holds none of it; and what is
/// secret is in no record and no answer either.
#[tokio::test(start_paused = true)]
async fn no_handler_writes_down_what_it_was_sent() {
    const OPEN: &str = "MARKER-3fe1aa-open";
    const HIDDEN: &str = "MARKER-3fe1aa-hidden";
    let world =
        World::with(Options { open_sign_up: true, lockout_failures: Some(100_000), ..Options::default() }).await;
    let owner = world.owner().await;
    let mut answers = String::new();
    let lines = EveryLine::of_this_thread();
    for route in world.routes().iter().filter(|route| !route.path.starts_with("/v1/ai/")) {
        let case = cases::of(route);
        let own = if case.is_alone() { Some(Person::somebody(&world).await) } else { None };
        let owner = own.as_ref().unwrap_or(&owner);
        let things = Things::of(&case, owner).await;
        let (path, body) = (case.path_of(route, &things), things.body(&case));
        let bodies = marked(&body, OPEN, false).into_iter().chain(marked(&body, HIDDEN, true));
        for body in bodies {
            for down in [true, false] {
                if down {
                    world.store.fail(0, Fault::Error, true);
                }
                let request = case.request(&path, &body, owner, things.reader.as_ref());
                let answer = world.send(request.header("user-agent", OPEN).header("x-forwarded-for", OPEN)).await;
                world.store.heal();
                answers.push_str(&answer.text());
            }
        }
        for target in [format!("{path}?{OPEN}={OPEN}"), format!("{path}/{OPEN}")] {
            world.send(case.request(&target, &body, owner, things.reader.as_ref())).await;
        }
    }
    let records = format!("{:?}", world.audit(&owner).await);
    let logs = lines.logged();
    absent(OPEN, "the logs", &logs);
    absent(HIDDEN, "the logs", &logs);
    absent(HIDDEN, "the audit log", &records);
    absent(HIDDEN, "answers", &answers);
}
