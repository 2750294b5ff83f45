//! Every route by every kind of caller against a table; a route without a row fails. What is called on the planes of
//! management leaves its record. Ids of another vault answer as ids of nothing.

use std::collections::BTreeMap;

use crypto::KeyPair;
use e2e::{Agent, Machine, Options, Person, Request, World};
use protocol::UserId;
use serde_json::{Value, json};
use vault::audit::ActorKind;
use vault::scope::{Needs, Scope};

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Nobody,
    /// Of the vault whose things are named.
    Owner,
    /// Of another vault.
    Stranger,
    /// With a grant.
    Machine,
    PendingMachine,
    /// Holds every scope.
    Agent,
    /// Holds every scope but the one that is needed.
    NarrowAgent,
    /// Holds every scope, in another project.
    FencedAgent,
    PendingAgent,
    DisabledAgent,
    /// Holds every scope in another vault.
    StrangersAgent,
}

impl Caller {
    const ALL: [Self; 11] = [
        Self::Nobody,
        Self::Owner,
        Self::Stranger,
        Self::Machine,
        Self::PendingMachine,
        Self::NarrowAgent,
        Self::FencedAgent,
        Self::PendingAgent,
        Self::DisabledAgent,
        Self::StrangersAgent,
        Self::Agent,
    ];
}

/// What a route of management names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Nothing,
    /// Something of a vault.
    Vault,
    /// Something of a project.
    Project,
}

/// What a route answers.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// To nobody, the owner, another vault's owner, a granted machine, a pending machine, any agent.
    Each([u16; 6]),
    /// At the door of people, to who may.
    People(u16, Names),
    /// At the door of agents, to who may.
    Agents(u16, Names),
}

/// A route and what it answers.
struct Row {
    method: &'static str,
    path: String,
    body: Value,
    expected: Expected,
    /// A person's call changes nothing here, and is not recorded.
    quiet: bool,
}

impl Row {
    fn expected(&self, who: Caller, needs: Option<Needs>) -> u16 {
        let (ok, names) = match self.expected {
            Expected::Each([nobody, owner, stranger, machine, pending, agent]) => {
                return match who {
                    Caller::Nobody => nobody,
                    Caller::Owner => owner,
                    Caller::Stranger => stranger,
                    Caller::Machine => machine,
                    Caller::PendingMachine => pending,
                    _ => agent,
                };
            }
            Expected::People(ok, names) | Expected::Agents(ok, names) => (ok, names),
        };
        let elsewhere = if names == Names::Nothing { ok } else { 404 };
        match (self.expected, who) {
            (Expected::People(..), Caller::Owner) | (Expected::Agents(..), Caller::Agent) => ok,
            (Expected::People(..), Caller::Stranger) | (Expected::Agents(..), Caller::StrangersAgent) => elsewhere,
            (Expected::Agents(..), Caller::NarrowAgent) => {
                if needs == Some(Needs::Nothing) {
                    ok
                } else {
                    403
                }
            }
            (Expected::Agents(..), Caller::FencedAgent) => {
                if names == Names::Project {
                    404
                } else {
                    ok
                }
            }
            (Expected::Agents(..), Caller::PendingAgent | Caller::DisabledAgent) => 403,
            _ => 401,
        }
    }
}

/// Things of one vault that routes name.
struct Things<'w> {
    names: BTreeMap<&'static str, String>,
    machine: Machine<'w>,
    pending: Machine<'w>,
}

impl<'w> Things<'w> {
    async fn new(owner: &Person<'w>) -> Self {
        let (project, secret, machine) = owner.readable("value").await;
        let pending = owner.pending_machine().await;
        let made = json!({ "name": "ci", "projectIds": null, "secretIds": null, "tokenLifetimeSeconds": 600,
                           "machineLifetimeSeconds": 600, "maxUses": 64 });
        let enrollment = owner.post("/v1/manage/enrollment-tokens", &made).await.expect(200);
        let range = format!("10.{}.{}.0/24", crypto::random::bytes::<1>()[0], crypto::random::bytes::<1>()[0]);
        // The list has a limit, and these are made again and again.
        let listed = owner.get("/v1/manage/ipallowlist").await.expect(200).json();
        let ids: Vec<&Value> = listed["entries"].as_array().unwrap().iter().map(|entry| &entry["id"]).collect();
        owner.post("/v1/manage/ipallowlist/bulk-delete", &json!({ "entryIds": ids })).await.expect(200);
        let entry = owner.post("/v1/manage/ipallowlist", &json!({ "cidr": range })).await.expect(200).field("id");
        let bundle =
            owner.post("/v1/manage/bundles", &json!({ "projectId": project, "secretIds": [] })).await.expect(200);
        let bundle = bundle.field("url").rsplit('/').next().unwrap().to_owned();
        let sessions = owner.get("/v1/account/sessions").await.json();
        let session = sessions["sessions"][0]["id"].as_str().unwrap().to_owned();
        let trashed = owner.secret(&project, "trashed", "value").await;
        let to_trash = format!("/v1/manage/projects/{project}/secrets/{trashed}/delete");
        owner.post(&to_trash, &json!({})).await.expect(200);
        let peer = owner.agent(&["audit.read"], &[]).await;
        let token = json!({ "name": "a", "scopes": [] });
        let token = owner.post("/v1/manage/agent-bootstrap-tokens", &token).await.expect(200).field("token");
        let names = BTreeMap::from([
            ("projectId", project),
            ("secretId", secret),
            ("machineId", machine.id.clone()),
            ("pendingId", pending.id.clone()),
            ("tokenId", enrollment.field("id")),
            ("entryId", entry),
            ("agentId", peer.id),
            ("sdkId", "python".to_owned()),
            ("trashedId", trashed),
            ("vaultId", owner.vault.clone()),
            ("bootstrapToken", owner.bootstrap_token().await),
            ("agentToken", token),
            ("bundleToken", bundle),
            ("enrollment", enrollment.field("token")),
            ("id", session),
        ]);
        Self { names, machine, pending }
    }

    /// The path with these things' names in it.
    fn path(&self, template: &str) -> String {
        let token = if template.starts_with("/v1/bundle") { "bundleToken" } else { "bootstrapToken" };
        let mut path = template.replace("{token}", &self.names[token]);
        if path.contains("/trash/") {
            path = path.replace("{secretId}", &self.names["trashedId"]);
        }
        if path.ends_with("{machineId}/approve") || path.ends_with("{machineId}/deny") {
            path = path.replace("{machineId}", &self.names["pendingId"]);
        }
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

const SIGNED: [u16; 6] = [401, 401, 401, 200, 403, 401];
const OPEN: [u16; 6] = [200; 6];
const SELF: [u16; 6] = [401, 200, 200, 401, 401, 401];

fn table() -> Vec<Row> {
    let nothing = || json!({});
    let mut rows = vec![];
    let mut row = |method, path: &str, body, expected| {
        rows.push(Row { method, path: path.to_owned(), body, expected: Expected::Each(expected), quiet: false });
    };
    let sign_up = json!({ "email": "x@example.org", "username": "x", "password": "weak" });
    let sign_in = json!({ "email": "owner@example.org", "password": "a long passw0rd!" });
    row("GET", "/", nothing(), OPEN);
    row("GET", "/v1/secret/{secretId}", nothing(), SIGNED);
    row("POST", "/v1/secrets/export", nothing(), SIGNED);
    row("GET", "/v1/secrets", nothing(), SIGNED);
    row("POST", "/v1/secrets/list", json!({ "projectId": "$projectId" }), SIGNED);
    row("POST", "/v1/secrets/poll", json!({ "watch": ["$secretId"] }), SIGNED);
    row("GET", "/v1/cli/projects", nothing(), SIGNED);
    row("GET", "/v1/cli/secrets", nothing(), SIGNED);
    row("POST", "/v1/verify-access", json!({ "projectId": "$projectId" }), SIGNED);
    for script in ["", "/ps", "/k8s", "/ci"] {
        row("GET", &format!("/v1/bootstrap/{{token}}{script}"), nothing(), OPEN);
    }
    // One-time: the first caller uses it up.
    let machine = json!({ "publicKey": "$publicKey", "hostname": "h" });
    row("POST", "/v1/bootstrap/{token}/register", machine, [200, 401, 401, 401, 401, 401]);
    let agent = json!({ "token": "$agentToken", "publicKey": "$publicKey" });
    row("POST", "/v1/ai-bootstrap/register", agent, [200, 401, 401, 401, 401, 401]);
    row("GET", "/v1/bundle/{token}", nothing(), [200, 410, 410, 410, 410, 410]);
    let enrolled = json!({ "token": "$enrollment", "publicKey": "$publicKey", "hostname": "h" });
    row("POST", "/v1/{vaultId}/enroll/register", enrolled, OPEN);
    row("GET", "/v1/{vaultId}/enroll/script", nothing(), OPEN);
    row("POST", "/v1/account/sign-up", sign_up, [403, 422, 422, 403, 403, 403]);
    row("POST", "/v1/account/sign-in", sign_in, [403, 200, 200, 403, 403, 403]);
    row("GET", "/v1/account", nothing(), SELF);
    // With a good one it would end the session.
    let weak = json!({ "currentPassword": "a long passw0rd!", "newPassword": "weak" });
    row("POST", "/v1/account/password", weak, [401, 422, 422, 401, 401, 401]);
    row("GET", "/v1/account/sessions", nothing(), SELF);
    row("POST", "/v1/account/verification", nothing(), SELF);
    row("POST", "/v1/account/verification/confirm", json!({ "token": "no" }), [410; 6]);
    row("POST", "/v1/account/recovery", json!({ "email": "owner@example.org" }), OPEN);
    let reset = json!({ "token": "no", "newPassword": "another passw0rd!" });
    row("POST", "/v1/account/recovery/confirm", reset, [410; 6]);
    let password = json!({ "password": "a long passw0rd!" });
    row("POST", "/v1/account/totp/enroll", password.clone(), SELF);
    row("POST", "/v1/account/totp/confirm", json!({ "totp": "no" }), [401; 6]);
    let both = json!({ "password": "a long passw0rd!", "totp": "000000" });
    let none = [401, 409, 409, 401, 401, 401];
    row("POST", "/v1/account/totp/recovery-codes", both.clone(), none);
    row("POST", "/v1/account/totp/disable", both, none);
    row("GET", "/v1/account/passkeys", nothing(), SELF);
    row("POST", "/v1/account/passkeys/register", password, SELF);
    let finish = json!({ "ceremony": "no", "name": "n", "credential": {} });
    row("POST", "/v1/account/passkeys/register/finish", finish, [401, 422, 422, 401, 401, 401]);
    row("POST", "/v1/account/passkeys/sign-in", nothing(), OPEN);
    let finish = json!({ "ceremony": "no", "credential": {} });
    row("POST", "/v1/account/passkeys/sign-in/finish", finish, [422; 6]);
    row("POST", "/v1/account/passkeys/{id}/rename", json!({ "name": "n" }), [401, 404, 404, 401, 401, 401]);
    row("POST", "/v1/account/passkeys/{id}/remove", nothing(), [401, 404, 404, 401, 401, 401]);
    row("GET", "/v1/openapi.json", nothing(), OPEN);
    row("GET", "/verify-email", nothing(), OPEN);
    row("GET", "/reset-password", nothing(), OPEN);
    rows.extend(managed());
    // These end the session, so they come last.
    let mut row = |path: &str, expected| {
        let expected = Expected::Each(expected);
        rows.push(Row { method: "POST", path: path.to_owned(), body: json!({}), expected, quiet: false });
    };
    row("/v1/account/sessions/{id}/revoke", [401, 200, 404, 401, 401, 401]);
    row("/v1/account/sign-out", [401, 401, 200, 401, 401, 401]);
    rows
}

/// The routes of management, each at its doors.
fn managed() -> Vec<Row> {
    use Names::{Nothing, Project, Vault};
    let mut rows = vec![];
    let mut at = |doors: &[&str], method, path: &str, body: Value, names, quiet| {
        for door in doors {
            let expected = if *door == "ai" { Expected::Agents(200, names) } else { Expected::People(200, names) };
            rows.push(Row { method, path: format!("/v1/{door}/{path}"), body: body.clone(), expected, quiet });
        }
    };
    let mut both = |method, path: &str, body, names, quiet| at(&["manage", "ai"], method, path, body, names, quiet);
    let nothing = || json!({});
    let project = "projects/{projectId}";
    let secret = "projects/{projectId}/secrets/{secretId}";
    let member = "projects/{projectId}/machines/{machineId}";
    let enrollment = json!({ "name": "ci", "projectIds": null, "secretIds": null, "tokenLifetimeSeconds": 600,
                             "machineLifetimeSeconds": 600, "maxUses": 1 });
    for path in ["whoami", "sdks", "sdks/{sdkId}", "projects", "machines", "ai-agents", "enrollment-tokens", "trash"] {
        both("GET", path, nothing(), Nothing, true);
    }
    for path in ["ipallowlist", "audit/actions", "activity", "stats", "usage"] {
        both("GET", path, nothing(), Nothing, true);
    }
    both("POST", "projects", json!({ "name": "p" }), Nothing, false);
    both("POST", &format!("{project}/update"), json!({ "name": "q" }), Project, false);
    both("POST", &format!("{project}/unfreeze"), nothing(), Project, true);
    both("POST", &format!("{project}/machines"), json!({ "machineId": "$machineId" }), Project, true);
    both("POST", &format!("{project}/machines/query"), nothing(), Project, true);
    both("GET", &format!("{member}/secrets"), nothing(), Project, true);
    both("POST", &format!("{member}/grants"), json!({ "secretIds": [] }), Project, false);
    both("POST", &format!("{member}/detach"), nothing(), Project, false);
    both("GET", &format!("{project}/secrets"), nothing(), Project, true);
    both("POST", &format!("{project}/secrets"), json!({ "name": "n", "value": "v" }), Project, false);
    both("GET", secret, nothing(), Project, true);
    both("GET", &format!("{secret}/versions"), nothing(), Project, true);
    both("POST", &format!("{secret}/update"), json!({ "value": "v" }), Project, false);
    both("POST", &format!("{secret}/name"), json!({ "name": "n" }), Project, false);
    both("POST", &format!("{secret}/note"), json!({ "note": "n" }), Project, false);
    both("POST", &format!("{secret}/rotate"), nothing(), Project, false);
    both("POST", &format!("{secret}/rollback"), json!({ "version": 1 }), Project, false);
    both("POST", &format!("{secret}/delete"), nothing(), Project, false);
    both("POST", "trash/{secretId}/restore", nothing(), Project, false);
    both("POST", "trash/{secretId}/purge", nothing(), Project, false);
    both("POST", &format!("{project}/delete"), json!({ "confirmName": "production" }), Project, false);
    both("GET", "machines/{machineId}", nothing(), Vault, true);
    both("GET", "machines/{machineId}/name-history", nothing(), Vault, true);
    both("POST", "machines/{machineId}/rename", json!({ "name": "n" }), Vault, false);
    both("POST", "machines/{machineId}/approve", nothing(), Vault, false);
    both("POST", "machines/{machineId}/deny", nothing(), Vault, false);
    both("POST", "machines/{machineId}/revoke", nothing(), Vault, false);
    both("GET", "ai-agents/{agentId}", nothing(), Vault, true);
    both("GET", "ai-agents/{agentId}/name-history", nothing(), Vault, true);
    both("POST", "ai-agents/{agentId}/rename", json!({ "name": "n" }), Vault, false);
    both("POST", "ai-agents/{agentId}/approve", nothing(), Vault, true);
    both("POST", "ai-agents/{agentId}/disable", nothing(), Vault, false);
    both("POST", "ai-agents/{agentId}/enable", nothing(), Vault, true);
    both("POST", "ai-agents/{agentId}/revoke", nothing(), Vault, false);
    both("POST", "enrollment-tokens", enrollment, Nothing, false);
    both("GET", "enrollment-tokens/{tokenId}", nothing(), Vault, true);
    both("POST", "enrollment-tokens/{tokenId}/revoke", nothing(), Vault, false);
    both("POST", "ipallowlist", json!({ "cidr": "$range" }), Nothing, false);
    both("POST", "ipallowlist/enable", nothing(), Nothing, true);
    both("POST", "ipallowlist/disable", nothing(), Nothing, true);
    both("POST", "ipallowlist/bulk-delete", json!({ "entryIds": [] }), Nothing, true);
    both("POST", "ipallowlist/{entryId}/update", json!({ "label": "l" }), Vault, false);
    both("POST", "ipallowlist/{entryId}/delete", nothing(), Vault, false);
    both("POST", "audit/query", nothing(), Nothing, true);
    both("POST", "audit/export", nothing(), Nothing, false);
    both("POST", "stats/reads-over-time", nothing(), Nothing, true);
    // For people only.
    let mut people = |path: &str, body, names, quiet| at(&["manage"], "POST", path, body, names, quiet);
    people("projects/{projectId}/freeze", nothing(), Project, false);
    people("machines/{machineId}/enable", nothing(), Vault, true);
    people("machines/{machineId}/disable", nothing(), Vault, false);
    people("bootstrap-tokens", nothing(), Nothing, false);
    people("bundles", json!({ "projectId": "$projectId", "secretIds": ["$secretId"] }), Project, false);
    people("agent-bootstrap-tokens", json!({ "name": "a", "scopes": ["audit.read"] }), Nothing, false);
    people("ai-agents/{agentId}/scopes", json!({ "scopes": ["trash.read"] }), Vault, false);
    people("ai-agents/{agentId}/projects", json!({ "projectIds": ["$projectId"] }), Vault, false);
    // The agent of the things is approved, so it cannot be denied.
    let denied = |door: fn(u16, Names) -> Expected, path: &str| Row {
        method: "POST",
        path: path.to_owned(),
        body: json!({}),
        expected: door(409, Vault),
        quiet: false,
    };
    rows.push(denied(Expected::People, "/v1/manage/ai-agents/{agentId}/deny"));
    rows.push(denied(Expected::Agents, "/v1/ai/ai-agents/{agentId}/deny"));
    rows
}

/// All who call, but for machines, which belong to the things.
struct Cast<'w> {
    owner: Person<'w>,
    stranger: Person<'w>,
    agent: Agent<'w>,
    narrow: Agent<'w>,
    fenced: Agent<'w>,
    pending: Agent<'w>,
    disabled: Agent<'w>,
    strangers: Agent<'w>,
}

impl<'w> Cast<'w> {
    async fn new(world: &'w World) -> Self {
        let owner = world.owner().await;
        let stranger = Person::sign_up(world, "stranger@example.org").await;
        let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
        let elsewhere = owner.project("elsewhere").await;
        let disabled = owner.agent(&all, &[]).await;
        owner.post(&format!("/v1/manage/ai-agents/{}/disable", disabled.id), &json!({})).await.expect(200);
        Self {
            agent: owner.agent(&all, &[]).await,
            narrow: owner.agent(&all, &[]).await,
            fenced: owner.agent(&all, &[&elsewhere]).await,
            pending: owner.pending_agent(&all, &[]).await,
            strangers: stranger.agent(&all, &[]).await,
            disabled,
            owner,
            stranger,
        }
    }

    /// Takes the scope from the narrow agent that this route needs.
    async fn narrow(&self, needs: Option<Needs>) {
        let kept = Scope::ALL.iter().filter(|scope| needs != Some(Needs::Scope(**scope)));
        let scopes: Vec<&str> = kept.map(|scope| scope.name()).collect();
        let path = format!("/v1/manage/ai-agents/{}/scopes", self.narrow.id);
        self.owner.post(&path, &json!({ "scopes": scopes })).await.expect(200);
    }

    fn agent(&self, who: Caller) -> Option<&Agent<'w>> {
        match who {
            Caller::Agent => Some(&self.agent),
            Caller::NarrowAgent => Some(&self.narrow),
            Caller::FencedAgent => Some(&self.fenced),
            Caller::PendingAgent => Some(&self.pending),
            Caller::DisabledAgent => Some(&self.disabled),
            Caller::StrangersAgent => Some(&self.strangers),
            _ => None,
        }
    }

    fn request(&self, who: Caller, method: &str, path: &str, body: &Value, things: Option<&Things<'_>>) -> Request {
        let bytes = if method == "POST" { body.to_string().into_bytes() } else { vec![] };
        let unsigned = || {
            let request = Request::new(method, path);
            if method == "POST" { request.json(body) } else { request }
        };
        // Past the door for other sites, but where that is what is asked about.
        let signing = path.starts_with("/v1/account/sign-") && !path.ends_with("out");
        let by_us = if signing { "0" } else { "1" };
        match who {
            Caller::Nobody => unsigned().header("x-sikkerkey-request", by_us),
            Caller::Owner => self.owner.request(path, (method == "POST").then_some(body)),
            Caller::Stranger => self.stranger.request(path, (method == "POST").then_some(body)),
            Caller::Machine | Caller::PendingMachine => match things {
                None => unsigned().header("x-machine-id", &self.owner.id).header("x-sikkerkey-request", by_us),
                Some(things) => {
                    let machine = if who == Caller::Machine { &things.machine } else { &things.pending };
                    machine.request(method, path, &bytes).header("x-sikkerkey-request", by_us)
                }
            },
            _ => self.agent(who).unwrap().signed(method, path, &bytes).header("x-sikkerkey-request", by_us),
        }
    }
}

#[tokio::test]
async fn every_route_answers_every_caller_as_the_table_says() {
    let world = World::with(Options { open_sign_up: true, lockout_failures: Some(40), ..Options::default() }).await;
    let cast = Cast::new(&world).await;

    let routes = world.routes();
    let mut there: Vec<(&str, &str)> = routes.iter().map(|route| (route.method, route.path.as_str())).collect();
    let rows = table();
    let mut listed: Vec<(&str, &str)> = rows.iter().map(|row| (row.method, row.path.as_str())).collect();
    there.sort_unstable();
    listed.sort_unstable();
    assert_eq!(there, listed, "every route has a row, and every row a route");
    // For the test that compares them with the template.
    let for_template: Vec<_> = routes
        .iter()
        .filter(|route| route.function != "local")
        .map(|route| json!({ "method": route.method, "path": route.path, "function": route.function }))
        .collect();
    std::fs::write(e2e::left_by_tests("routes.json"), serde_json::to_vec(&for_template).unwrap()).unwrap();

    // Made anew once something was done with them.
    let mut things: Option<Things<'_>> = None;
    for row in &rows {
        let needs = routes.iter().find(|route| (route.method, &route.path) == (row.method, &row.path)).unwrap().needs;
        let account = row.path.contains("/v1/account");
        let last = current_session(&cast.owner, account).await;
        if matches!(needs, Some(Needs::Scope(_))) {
            cast.narrow(needs).await;
        }
        if needs.is_none() || row.method == "POST" {
            things = None;
        }
        for who in Caller::ALL {
            if things.is_none() && !account {
                things = Some(Things::new(&cast.owner).await);
            }
            let path = things.as_ref().map_or_else(|| row.path.replace("{id}", &last), |things| things.path(&row.path));
            let mut body = things.as_ref().map_or_else(|| row.body.clone(), |things| things.body(&row.body));
            if body["cidr"] == "$range" {
                body["cidr"] = format!("203.0.{}.{}", rand(), rand()).into();
            }
            let request = cast.request(who, row.method, &path, &body, things.as_ref());
            let before = world.now();
            let answer = world.send(request.from(&format!("198.51.{}.{}", who as u8, rand()))).await;
            let expected = row.expected(who, needs);
            let what = format!("{} {} by {who:?}", row.method, row.path);
            assert_eq!(answer.status.as_u16(), expected, "{what}: {}", answer.text());
            check_record(&world, &cast, row, who, expected, needs, before, &what).await;
            // What is named may be gone now.
            if needs.is_some() && expected == 200 && !row.quiet {
                things = None;
            }
        }
    }
}

/// Whoever is known and calls a route of management leaves a record, but for people who only look.
#[expect(clippy::too_many_arguments, reason = "one cell of a table")]
async fn check_record(
    world: &World,
    cast: &Cast<'_>,
    row: &Row,
    who: Caller,
    status: u16,
    needs: Option<Needs>,
    before: vault::Time,
    what: &str,
) {
    let agent = cast.agent(who).filter(|_| who != Caller::StrangersAgent);
    let Some(needs) = needs.filter(|_| status != 401 && (who == Caller::Owner || agent.is_some())) else { return };
    let records = world.newest_records(&cast.owner, 4).await;
    let mine: Vec<_> = records
        .iter()
        .filter(|record| record.timestamp > before)
        .filter(|record| record.ai_agent_id.map(|id| id.to_string()) == agent.map(|agent| agent.id.clone()))
        .collect();
    let kind = if agent.is_some() { ActorKind::AiAgent } else { ActorKind::User };
    let silent = agent.is_none() && status == 200 && (row.quiet || needs.reads() && !row.path.ends_with("/export"));
    if !silent {
        assert!(!mine.is_empty(), "{what}: no record among {records:?}");
        let owner: UserId = cast.owner.id.parse().unwrap();
        assert!(mine.iter().all(|record| record.actor_kind == kind && record.user_id == owner), "{what}: {mine:?}");
    }
}

fn rand() -> u8 {
    crypto::random::bytes::<1>()[0]
}

/// The id of the owner's session, for the routes that name one.
async fn current_session(owner: &Person<'_>, wanted: bool) -> String {
    if !wanted {
        return String::new();
    }
    let sessions = owner.get("/v1/account/sessions").await.json();
    let mine = sessions["sessions"].as_array().and_then(|all| all.iter().find(|s| s["current"] == true).cloned());
    mine.map_or_else(String::new, |session| session["id"].as_str().unwrap().to_owned())
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
        ("agentId", "0b64c4f0-5d6f-4d5e-9c7e-3f1f6f3f0a11"),
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
                if *name == "secretId" {
                    names.insert("trashedId", id.to_owned());
                }
                if *name == "machineId" {
                    names.insert("pendingId", id.to_owned());
                }
                let mixed =
                    Things { names, machine: owner.pending_machine().await, pending: owner.pending_machine().await };
                let (path, body) = (mixed.path(&row.path), mixed.body(&row.body));
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
