//! Every route by every kind of caller against a table; a route without a row fails. Ids of another vault answer as ids
//! of nothing.

use std::collections::BTreeMap;

use crypto::KeyPair;
use e2e::{Machine, Options, Person, Request, World};
use serde_json::{Value, json};

/// What a route answers to: nobody, the owner, another vault's owner, a granted machine, a pending machine.
struct Row {
    method: &'static str,
    path: &'static str,
    body: Value,
    expected: [u16; 5],
}

/// Things of one vault that routes name.
struct Things<'w> {
    owner: &'w Person<'w>,
    names: BTreeMap<&'static str, String>,
    machine: Machine<'w>,
    pending: Machine<'w>,
}

impl<'w> Things<'w> {
    async fn new(owner: &'w Person<'w>) -> Self {
        let (project, secret, machine) = owner.readable("value").await;
        let pending = owner.pending_machine().await;
        let made = json!({ "name": "ci", "projectIds": null, "secretIds": null, "tokenLifetimeSeconds": 600,
                           "machineLifetimeSeconds": 600, "maxUses": 64 });
        let enrollment = owner.post("/v1/manage/enrollment-tokens", &made).await.expect(200);
        let range = format!("10.{}.{}.0/24", crypto::random::bytes::<1>()[0], crypto::random::bytes::<1>()[0]);
        let entry = owner.post("/v1/manage/ipallowlist", &json!({ "cidr": range })).await;
        let entry = if entry.status == 200 { entry.field("id") } else { "ipa_0000000000".into() };
        let bundle =
            owner.post("/v1/manage/bundles", &json!({ "projectId": project, "secretIds": [] })).await.expect(200);
        let bundle = bundle.field("url").rsplit('/').next().unwrap().to_owned();
        let sessions = owner.get("/v1/account/sessions").await.json();
        let session = sessions["sessions"][0]["id"].as_str().unwrap().to_owned();
        let names = BTreeMap::from([
            ("projectId", project),
            ("secretId", secret),
            ("machineId", machine.id.clone()),
            ("tokenId", enrollment.field("id")),
            ("entryId", entry),
            ("vaultId", owner.vault.clone()),
            ("bootstrapToken", owner.bootstrap_token().await),
            ("bundleToken", bundle),
            ("enrollment", enrollment.field("token")),
            ("id", session),
        ]);
        Self { owner, names, machine, pending }
    }

    /// The path with these things' names in it.
    fn path(&self, template: &str) -> String {
        let token = if template.starts_with("/v1/bundle") { "bundleToken" } else { "bootstrapToken" };
        let mut path = template.replace("{token}", &self.names[token]);
        for (name, value) in &self.names {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        path
    }

    /// The body with these things' names in it.
    fn body(&self, body: &Value) -> Value {
        let mut text = body.to_string();
        for (name, value) in &self.names {
            text = text.replace(&format!("${name}"), value);
        }
        text = text.replace("$publicKey", &KeyPair::make().public().to_base64());
        serde_json::from_str(&text).unwrap()
    }
}

const MANAGED: [u16; 5] = [401, 200, 404, 401, 401];
/// Nothing of another vault is named.
const OWN: [u16; 5] = [401, 200, 200, 401, 401];
const SIGNED: [u16; 5] = [401, 401, 401, 200, 403];
const OPEN: [u16; 5] = [200, 200, 200, 200, 200];

fn table() -> Vec<Row> {
    let row = |method, path, body: Value, expected| Row { method, path, body, expected };
    let nothing = || json!({});
    let enrollment = json!({ "name": "ci", "projectIds": null, "secretIds": null, "tokenLifetimeSeconds": 600,
                             "machineLifetimeSeconds": 600, "maxUses": 1 });
    let sign_up = json!({ "email": "x@example.org", "username": "x", "password": "weak" });
    let sign_in = json!({ "email": "owner@example.org", "password": "a long passw0rd!" });
    vec![
        row("GET", "/", nothing(), OPEN),
        row("GET", "/v1/secret/{secretId}", nothing(), SIGNED),
        row("POST", "/v1/secrets/export", nothing(), SIGNED),
        row("GET", "/v1/secrets", nothing(), SIGNED),
        row("POST", "/v1/secrets/list", json!({ "projectId": "$projectId" }), SIGNED),
        row("POST", "/v1/secrets/poll", json!({ "watch": ["$secretId"] }), SIGNED),
        row("GET", "/v1/cli/projects", nothing(), SIGNED),
        row("GET", "/v1/cli/secrets", nothing(), SIGNED),
        row("POST", "/v1/verify-access", json!({ "projectId": "$projectId" }), SIGNED),
        row("GET", "/v1/bootstrap/{token}", nothing(), OPEN),
        row("GET", "/v1/bootstrap/{token}/ps", nothing(), OPEN),
        row("GET", "/v1/bootstrap/{token}/k8s", nothing(), OPEN),
        row("GET", "/v1/bootstrap/{token}/ci", nothing(), OPEN),
        // One-time: the first caller uses it up.
        row(
            "POST",
            "/v1/bootstrap/{token}/register",
            json!({ "publicKey": "$publicKey", "hostname": "h" }),
            [200, 401, 401, 401, 401],
        ),
        row("GET", "/v1/bundle/{token}", nothing(), [200, 410, 410, 410, 410]),
        row(
            "POST",
            "/v1/{vaultId}/enroll/register",
            json!({ "token": "$enrollment", "publicKey": "$publicKey", "hostname": "h" }),
            OPEN,
        ),
        row("GET", "/v1/{vaultId}/enroll/script", nothing(), OPEN),
        row("POST", "/v1/account/sign-up", sign_up, [403, 422, 422, 403, 403]),
        row("POST", "/v1/account/sign-in", sign_in, [403, 200, 200, 403, 403]),
        row("GET", "/v1/account", nothing(), OWN),
        row("GET", "/v1/account/sessions", nothing(), OWN),
        row("GET", "/v1/manage/projects", nothing(), OWN),
        row("POST", "/v1/manage/projects", json!({ "name": "p" }), OWN),
        row("POST", "/v1/manage/projects/{projectId}/freeze", nothing(), MANAGED),
        row("POST", "/v1/manage/projects/{projectId}/unfreeze", nothing(), MANAGED),
        row("POST", "/v1/manage/projects/{projectId}/machines", json!({ "machineId": "$machineId" }), MANAGED),
        row("POST", "/v1/manage/projects/{projectId}/machines/{machineId}/detach", nothing(), MANAGED),
        row("GET", "/v1/manage/projects/{projectId}/machines/{machineId}/secrets", nothing(), MANAGED),
        row(
            "POST",
            "/v1/manage/projects/{projectId}/machines/{machineId}/grants",
            json!({ "secretIds": ["$secretId"] }),
            MANAGED,
        ),
        row("GET", "/v1/manage/projects/{projectId}/secrets", nothing(), MANAGED),
        row("POST", "/v1/manage/projects/{projectId}/secrets", json!({ "name": "n", "value": "v" }), MANAGED),
        row("GET", "/v1/manage/projects/{projectId}/secrets/{secretId}", nothing(), MANAGED),
        row("POST", "/v1/manage/projects/{projectId}/secrets/{secretId}/update", json!({ "value": "v" }), MANAGED),
        row("POST", "/v1/manage/projects/{projectId}/secrets/{secretId}/delete", nothing(), MANAGED),
        row("GET", "/v1/manage/machines", nothing(), OWN),
        row("GET", "/v1/manage/machines/{machineId}", nothing(), MANAGED),
        row("POST", "/v1/manage/machines/{machineId}/approve", nothing(), MANAGED),
        row("POST", "/v1/manage/machines/{machineId}/deny", nothing(), [401, 409, 404, 401, 401]),
        row("POST", "/v1/manage/machines/{machineId}/enable", nothing(), MANAGED),
        row("POST", "/v1/manage/machines/{machineId}/disable", nothing(), MANAGED),
        row("POST", "/v1/manage/machines/{machineId}/revoke", nothing(), MANAGED),
        row("POST", "/v1/manage/bootstrap-tokens", nothing(), OWN),
        row("POST", "/v1/manage/bundles", json!({ "projectId": "$projectId", "secretIds": ["$secretId"] }), MANAGED),
        row("GET", "/v1/manage/enrollment-tokens", nothing(), OWN),
        row("POST", "/v1/manage/enrollment-tokens", enrollment, OWN),
        row("GET", "/v1/manage/enrollment-tokens/{tokenId}", nothing(), MANAGED),
        row("POST", "/v1/manage/enrollment-tokens/{tokenId}/revoke", nothing(), MANAGED),
        row("GET", "/v1/manage/ipallowlist", nothing(), OWN),
        row("POST", "/v1/manage/ipallowlist", json!({ "cidr": "203.0.113.77" }), OWN),
        row("POST", "/v1/manage/ipallowlist/enable", nothing(), OWN),
        row("POST", "/v1/manage/ipallowlist/disable", nothing(), OWN),
        row("POST", "/v1/manage/ipallowlist/bulk-delete", json!({ "entryIds": [] }), OWN),
        row("POST", "/v1/manage/ipallowlist/{entryId}/update", json!({ "label": "l" }), MANAGED),
        row("POST", "/v1/manage/ipallowlist/{entryId}/delete", nothing(), MANAGED),
        row("POST", "/v1/manage/audit/query", nothing(), OWN),
        row("GET", "/v1/manage/audit/actions", nothing(), OWN),
        // These end the session, so they come last.
        row("POST", "/v1/account/sessions/{id}/revoke", nothing(), MANAGED),
        row("POST", "/v1/account/sign-out", nothing(), [401, 401, 200, 401, 401]),
    ]
}

#[tokio::test]
async fn every_route_answers_every_caller_as_the_table_says() {
    let world = World::with(Options { open_sign_up: true, lockout_failures: Some(40), ..Options::default() }).await;
    let owner = world.owner().await;
    let stranger = Person::sign_up(&world, "stranger@example.org").await;

    let routes = world.routes();
    let mut there: Vec<(&str, &str)> = routes.iter().map(|route| (route.method, route.path)).collect();
    let mut listed: Vec<(&str, &str)> = table().iter().map(|row| (row.method, row.path)).collect();
    there.sort_unstable();
    listed.sort_unstable();
    assert_eq!(there, listed, "every route has a row, and every row a route");
    // For the test that compares them with the template.
    let routes: Vec<_> = routes
        .iter()
        .filter(|route| route.function != "local")
        .map(|route| json!({ "method": route.method, "path": route.path, "function": route.function }))
        .collect();
    std::fs::write(e2e::left_by_tests("routes.json"), serde_json::to_vec(&routes).unwrap()).unwrap();

    for row in table() {
        let things = if row.path.contains("/v1/account") { None } else { Some(Things::new(&owner).await) };
        let last = Things::names_of_sessions(&owner, &things).await;
        // A fresh hour for each row: refusals here would lock addresses out.
        world.wait_seconds(1);
        let path = things.as_ref().map_or_else(|| row.path.replace("{id}", &last), |things| things.path(row.path));
        for (who, expected) in row.expected.into_iter().enumerate() {
            let body = things.as_ref().map_or_else(|| row.body.clone(), |things| things.body(&row.body));
            let request = as_caller(who, row.method, &path, &body, &owner, &stranger, things.as_ref());
            let from = format!("198.51.{who}.{}", crypto::random::bytes::<1>()[0]);
            let answer = world.send(request.from(&from)).await;
            let what = ["nobody", "owner", "stranger", "machine", "pending machine"][who];
            assert_eq!(answer.status.as_u16(), expected, "{} {} by {what}: {}", row.method, row.path, answer.text());
        }
    }
}

impl Things<'_> {
    /// The id of the owner's session, for the routes that name one.
    async fn names_of_sessions(owner: &Person<'_>, things: &Option<Things<'_>>) -> String {
        if things.is_some() {
            return String::new();
        }
        let sessions = owner.get("/v1/account/sessions").await.json();
        let mine = sessions["sessions"].as_array().and_then(|all| all.iter().find(|s| s["current"] == true).cloned());
        mine.map_or_else(String::new, |session| session["id"].as_str().unwrap().to_owned())
    }
}

fn as_caller(
    who: usize,
    method: &str,
    path: &str,
    body: &Value,
    owner: &Person<'_>,
    stranger: &Person<'_>,
    things: Option<&Things<'_>>,
) -> Request {
    let sent = (method == "POST").then_some(body);
    let with_body = |request: Request| if method == "POST" { request.json(body) } else { request };
    match (who, things) {
        (0, _) => {
            let request = with_body(Request::new(method, path));
            // Without a session, but past the door for other sites where that is what is asked about.
            if path.starts_with("/v1/account/sign-") && !path.ends_with("out") {
                request
            } else {
                request.header("x-sikkerkey-request", "1")
            }
        }
        (1, _) => owner.request(path, sent),
        (2, _) => stranger.request(path, sent),
        (_, None) => with_body(Request::new(method, path)).header("x-machine-id", &owner.id).header(
            "x-sikkerkey-request",
            if path.starts_with("/v1/account/sign-") && !path.ends_with("out") { "0" } else { "1" },
        ),
        (n, Some(things)) => {
            let machine = if n == 3 { &things.machine } else { &things.pending };
            let bytes = if method == "POST" { body.to_string().into_bytes() } else { vec![] };
            machine.request(method, path, &bytes).header("x-sikkerkey-request", "1")
        }
    }
}

/// Ids of another vault give the same answer, to the letter, as ids of nothing.
#[tokio::test]
async fn another_vaults_ids_are_ids_of_nothing() {
    let world = World::with(Options { open_sign_up: true, ..Options::default() }).await;
    let owner = world.owner().await;
    let stranger = Person::sign_up(&world, "stranger@example.org").await;
    let (mine, theirs) = (Things::new(&owner).await, Things::new(&stranger).await);
    let nothing = BTreeMap::from([
        ("projectId", "proj_0000000000"),
        ("secretId", "sk_0000000000"),
        ("machineId", "0b64c4f0-5d6f-4d5e-9c7e-3f1f6f3f0a11"),
        ("tokenId", "enr_0000000000"),
        ("entryId", "ipa_0000000000"),
        ("id", "0b64c4f0-5d6f-4d5e-9c7e-3f1f6f3f0a11"),
    ]);
    let mut compared = 0;
    for row in
        table().into_iter().filter(|row| row.path.starts_with("/v1/manage") || row.path.contains("sessions/{id}"))
    {
        for (name, missing) in &nothing {
            let (in_path, in_body) = (format!("{{{name}}}"), format!("${name}"));
            if !row.path.contains(&in_path) && !row.body.to_string().contains(&in_body) {
                continue;
            }
            let mut answers = vec![];
            // The first one only clears what a replacing list changes.
            for id in [missing, theirs.names[name].as_str(), missing] {
                // Everything is ours but this one id.
                let mut names = mine.names.clone();
                names.insert(name, id.to_owned());
                let mixed = Things {
                    owner: mine.owner,
                    names,
                    machine: owner.pending_machine().await,
                    pending: owner.pending_machine().await,
                };
                let (path, body) = (mixed.path(row.path), mixed.body(&row.body));
                let request = owner.request(&path, (row.method == "POST").then_some(&body));
                let answer = world.send(request).await;
                answers.push((answer.status, answer.text().replace(id, "ID")));
            }
            assert_eq!(answers[1], answers[2], "{} {} with another vault's {name}", row.method, row.path);
            // Ids in lists of grants are ignored; everything else is not found.
            if !row.path.ends_with("/grants") || row.path.contains(&in_path) {
                assert_eq!(answers[1].0, 404, "{} {}: {}", row.method, row.path, answers[1].1);
            }
            compared += 1;
        }
    }
    assert!(compared > 25, "{compared}");

    // A machine, and the id of another vault's secret or project.
    for (path, missing) in [(format!("/v1/secret/{}", theirs.names["secretId"]), "/v1/secret/sk_0000000000".to_owned())]
    {
        let (a, b) = (mine.machine.get(&path).await, mine.machine.get(&missing).await);
        assert_eq!((a.status, a.text()), (b.status, b.text()));
    }
    for route in ["/v1/secrets/list", "/v1/secrets/export", "/v1/verify-access"] {
        let a = mine.machine.post(route, &json!({ "projectId": theirs.names["projectId"] })).await;
        let b = mine.machine.post(route, &json!({ "projectId": "proj_0000000000" })).await;
        assert_eq!((a.status, a.text()), (b.status, b.text()));
        a.error(404);
    }
    let watch = json!({ "watch": [theirs.names["secretId"]] });
    let changes = mine.machine.post("/v1/secrets/poll", &watch).await.expect(200).json();
    assert_eq!(changes["changes"][&theirs.names["secretId"]]["status"], "deleted");
}
