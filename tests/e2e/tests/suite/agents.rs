//! AI agents: how they come to be, how they are known, what they may do and never can.

use crypto::KeyPair;
use e2e::{Agent, Machine, Options, Person, Request, World, keys};
use rules::audit::{Action, ActorKind};
use rules::scope::Scope;
use serde_json::{Value, json};

fn all_scopes() -> Vec<&'static str> {
    Scope::ALL.iter().map(|scope| scope.name()).collect()
}

#[tokio::test]
async fn a_token_registers_one_agent_with_what_was_fixed_for_it() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("p").await;
    let body = json!({ "name": "helper", "scopes": ["audit.read", "projects.read"], "projectIds": [project] });
    let made = owner.post("/v1/manage/agent-bootstrap-tokens", &body).await.expect(200).json();
    let token = made["token"].as_str().unwrap();
    assert_eq!((token.len(), made["expiresAt"].as_u64().unwrap()), (64, world.now().ms() + 600_000));
    assert!(made["command"].as_str().unwrap().ends_with(&format!("sikkerkey-mcp install {token}")));

    let key = KeyPair::make();
    let register = |token: &str, name: Option<&str>, key: String| {
        let mut body = json!({ "token": token, "publicKey": key });
        if let Some(name) = name {
            body["name"] = name.into();
        }
        Request::new("POST", "/v1/ai-bootstrap/register").json(&body)
    };
    // A mistake does not cost the token, which a person may have typed in upper case.
    world.send(register(token, None, "not a key".into())).await.error(422);
    let answer = world.send(register(&token.to_uppercase(), None, key.public().to_base64())).await.expect(200).json();
    assert_eq!(keys(&answer), ["agentId", "name", "vaultId"]);
    assert_eq!((&answer["name"], &answer["vaultId"]), (&json!("helper"), &json!(owner.vault)));
    world.send(register(token, None, key.public().to_base64())).await.error(401);
    world.send(register(&"0".repeat(64), None, key.public().to_base64())).await.error(401);

    let agent = Agent { world: &world, id: answer["agentId"].as_str().unwrap().into(), key, from: "192.0.2.9".into() };
    assert_eq!(agent.get("/v1/ai/whoami").await.error(403), "Agent is not approved yet");
    let path = format!("/v1/manage/ai-agents/{}", agent.id);
    let row = owner.get(&path).await.expect(200).json();
    assert_eq!(row["scopes"], json!(["audit.read", "projects.read"]));
    assert_eq!((&row["restricted"], &row["projectIds"]), (&json!(true), &json!([project])));
    assert_eq!((&row["approved"], &row["scopeCount"], &row["projectCount"]), (&json!(false), &json!(2), &json!(1)));
    owner.post(&format!("{path}/approve"), &json!({})).await.expect(200);
    agent.get("/v1/ai/whoami").await.expect(200);
    assert_eq!(world.count(&owner, Action::AgentRegister).await, 1);
    assert_eq!(world.count(&owner, Action::AgentApprove).await, 1);

    // A name that comes with the registration replaces the one given with the token; the token ends by itself.
    let token = owner.post("/v1/manage/agent-bootstrap-tokens", &body).await.expect(200).field("token");
    let named = world.send(register(&token, Some("mine"), KeyPair::make().public().to_base64())).await.expect(200);
    assert_eq!(named.field("name"), "mine");
    let token = owner.post("/v1/manage/agent-bootstrap-tokens", &body).await.expect(200).field("token");
    world.wait_seconds(600);
    world.send(register(&token, None, KeyPair::make().public().to_base64())).await.error(401);

    for (body, status) in [
        (json!({ "name": "", "scopes": [] }), 422),
        (json!({ "name": "a", "scopes": ["audit.write"] }), 422),
        (json!({ "name": "a" }), 422),
        (json!({ "name": "a", "scopes": null }), 400),
        (json!({ "name": "a", "scopes": [], "projectIds": ["proj_0000000000"] }), 404),
    ] {
        owner.post("/v1/manage/agent-bootstrap-tokens", &body).await.error(status);
    }
}

#[tokio::test]
async fn an_agent_is_known_by_a_true_fresh_signature_only() {
    let world = World::with(Options { lockout_failures: Some(40), ..Options::default() }).await;
    let owner = world.owner().await;
    let agent = owner.agent(&[], &[]).await;
    let good = || agent.request("/v1/ai/whoami", None);
    world.send(good()).await.expect(200);
    // The id in the other header, in both, in upper case.
    let id = agent.id.clone();
    world.send(good().without("x-machine-id").header("x-agent-id", &id)).await.expect(200);
    world.send(good().header("x-agent-id", &id)).await.expect(200);
    world.send(good().replace("x-machine-id", &id.to_uppercase())).await.expect(200);
    let failures = world.count(&owner, Action::AuthFailure).await;
    let other = "0b64c4f0-5d6f-4d5e-9c7e-3f1f6f3f0a11";
    for (name, request) in [
        ("two ids", good().header("x-agent-id", other)),
        ("another id", good().replace("x-machine-id", other)),
        ("no id", good().without("x-machine-id")),
        ("no nonce", good().without("x-nonce")),
        ("another nonce", good().replace("x-nonce", &"0".repeat(32))),
        ("another time", good().replace("x-timestamp", &(world.now().seconds() - 301).to_string())),
        ("another body", Request { body: b"{}".to_vec(), ..good() }),
        ("another path", Request { target: "/v1/ai/sdks".into(), ..good() }),
        ("a short signature", good().replace("x-signature", "AAAA")),
    ] {
        assert_eq!(world.send(request).await.error(401), "Authentication failed", "{name}");
    }
    let replayed = good();
    world.send(replayed.clone()).await.expect(200);
    world.send(replayed).await.error(401);
    // Those that named the agent, and said something wrong about it, are in its vault's log.
    assert_eq!(world.count(&owner, Action::AuthFailure).await - failures, 5);
    let query = Request { target: "/v1/ai/whoami?a=b".into(), ..good() };
    world.send(query).await.error(400);

    // Upper case is the same agent, so its nonce is used too.
    let once = good();
    world.send(once.clone()).await.expect(200);
    world.send(once.replace("x-machine-id", &id.to_uppercase())).await.error(401);
}

/// The path decides which table is searched: whoever is known on one plane is nobody on the others.
#[tokio::test]
async fn machines_and_agents_never_cross() {
    let world = World::with(Options { lockout_failures: Some(40), ..Options::default() }).await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("the marker value").await;
    let agent = owner.agent(&all_scopes(), &[]).await;
    let as_machine = Machine { world: &world, id: agent.id.clone(), key: KeyPair::make(), from: "192.0.2.9".into() };
    as_machine.read(&secret).await.error(401);
    for path in ["/v1/secrets", "/v1/cli/projects", "/v1/cli/secrets", &format!("/v1/secret/{secret}")] {
        agent.get(path).await.error(401);
    }
    for path in ["/v1/secrets/export", "/v1/secrets/poll", "/v1/verify-access"] {
        agent.post(path, &json!({})).await.error(401);
    }
    for path in ["/v1/ai/whoami", "/v1/ai/projects"] {
        machine.get(path).await.error(401);
    }
    // A session is nothing on the agent plane, a signature nothing on the plane of people.
    owner.get("/v1/ai/whoami").await.error(401);
    agent.get("/v1/manage/whoami").await.error(401);
    machine.read(&secret).await.expect(200);
}

#[tokio::test]
async fn agents_live_and_end_and_cannot_end_themselves() {
    let world = World::new().await;
    let owner = world.owner().await;
    let agent = owner.agent(&["aiagents.read", "aiagents.write"], &[]).await;
    let peer = owner.pending_agent(&["audit.read"], &[]).await;
    let path = |id: &str, what: &str| format!("/v1/ai/ai-agents/{id}/{what}");
    let nothing = json!({});

    agent.post(&path(&peer.id, "revoke"), &nothing).await.error(409);
    agent.post(&path(&peer.id, "approve"), &nothing).await.expect(200);
    peer.get("/v1/ai/whoami").await.expect(200);
    agent.post(&path(&peer.id, "approve"), &nothing).await.expect(200);
    assert_eq!(world.count(&owner, Action::AgentApprove).await, 2, "the owner's and one of the agent's");
    agent.post(&path(&peer.id, "deny"), &nothing).await.error(409);
    agent.post(&path(&peer.id, "disable"), &nothing).await.expect(200);
    assert_eq!(peer.get("/v1/ai/whoami").await.error(403), "Agent is disabled");
    agent.post(&path(&peer.id, "enable"), &nothing).await.expect(200);
    peer.get("/v1/ai/whoami").await.expect(200);
    for what in ["deny", "disable", "revoke"] {
        let text = agent.post(&path(&agent.id, what), &nothing).await.error(403);
        assert_eq!(text, "An agent cannot deny, disable or revoke itself");
    }
    for name in ["second", "third", "third"] {
        agent.post(&path(&peer.id, "rename"), &json!({ "name": name })).await.expect(200);
    }
    agent.post(&path(&peer.id, "rename"), &json!({ "name": "" })).await.error(422);
    let renames = agent.get(&path(&peer.id, "name-history")).await.expect(200).json();
    let names: Vec<(&Value, &Value)> =
        renames["renames"].as_array().unwrap().iter().map(|row| (&row["from"], &row["to"])).collect();
    assert_eq!(names, [(&json!("second"), &json!("third")), (&json!("helper"), &json!("second"))]);
    let list = agent.get("/v1/ai/ai-agents").await.expect(200).json();
    assert_eq!(list["agents"].as_array().unwrap().len(), 2);
    agent.post(&path(&peer.id, "revoke"), &nothing).await.expect(200);
    peer.get("/v1/ai/whoami").await.error(401);
    agent.get(&format!("/v1/ai/ai-agents/{}", peer.id)).await.error(404);
    let left = world.services.store.all(store::agent::renames_of(peer.id.parse().unwrap())).await.unwrap();
    assert!(left.is_empty(), "its names are gone too");
    let denied = owner.pending_agent(&[], &[]).await;
    agent.post(&path(&denied.id, "deny"), &nothing).await.expect(200);
    assert_eq!((world.count(&owner, Action::AgentRevoke).await, world.count(&owner, Action::AgentDeny).await), (1, 1));
}

/// Scopes and allowlists are for people to change, and a change counts from the next call.
#[tokio::test]
async fn rights_are_given_by_people_and_bite_at_once() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (seen, hidden) = (owner.project("seen").await, owner.project("hidden").await);
    let secret = owner.secret(&hidden, "s", "the marker value").await;
    let agent = owner.agent(&["projects.read"], &[]).await;
    let at = |what: &str| format!("/v1/manage/ai-agents/{}/{what}", agent.id);
    let projects = async || {
        let list = agent.get("/v1/ai/projects").await.expect(200).json();
        list["projects"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(projects().await, ["seen", "hidden"]);
    let list = format!("/v1/ai/projects/{hidden}/secrets");
    assert_eq!(agent.get(&list).await.error(403), "This needs the scope projects.secrets.read");
    owner.post(&at("scopes"), &json!({ "scopes": ["projects.read", "projects.secrets.read"] })).await.expect(200);
    agent.get(&list).await.expect(200);
    agent.get(&format!("{list}/{secret}")).await.expect(200);
    // A read scope is no write scope.
    agent.post(&list, &json!({ "name": "n", "value": "v" })).await.error(403);

    owner.post(&at("projects"), &json!({ "projectIds": [seen] })).await.expect(200);
    assert_eq!(projects().await, ["seen"]);
    let missing = agent.get("/v1/ai/projects/proj_0000000000/secrets").await;
    let out_of_sight = agent.get(&list).await;
    assert_eq!((out_of_sight.status, out_of_sight.text()), (missing.status, missing.text()));
    agent.get(&format!("{list}/{secret}")).await.error(404);

    // A project that a restricted agent makes is one it may see.
    let scopes = json!({ "scopes": ["projects.read", "projects.write"] });
    owner.post(&at("scopes"), &scopes).await.expect(200);
    let made = agent.post("/v1/ai/projects", &json!({ "name": "made" })).await.expect(200).field("id");
    assert_eq!(projects().await, ["seen", "made"]);
    // Its projects may all go: it does not see the rest for that.
    for (project, name) in [(&seen, "seen"), (&made, "made")] {
        let path = format!("/v1/ai/projects/{project}/delete");
        agent.post(&path, &json!({ "confirmName": name })).await.expect(200);
    }
    assert_eq!(projects().await, [""; 0]);
    owner.post(&at("projects"), &json!({ "projectIds": [] })).await.expect(200);
    assert_eq!(projects().await, ["hidden"]);

    for (what, body, status) in [
        ("scopes", json!({ "scopes": null }), 400),
        ("scopes", json!({ "scopes": ["everything"] }), 422),
        ("projects", json!({ "projectIds": null }), 400),
        ("projects", json!({ "projectIds": [seen] }), 404),
    ] {
        owner.post(&at(what), &body).await.error(status);
        // There is no such route at the other door.
        agent.post(&format!("/v1/ai/ai-agents/{}/{what}", agent.id), &body).await.error(404);
    }
    agent.post("/v1/ai/agent-bootstrap-tokens", &json!({ "name": "a", "scopes": [] })).await.error(404);
}

/// What an agent names beside the path is held to its allowlist too.
#[tokio::test]
async fn the_allowlist_holds_for_every_way_to_name_a_project() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (seen, hidden) = (owner.project("seen").await, owner.project("hidden").await);
    let (mine, theirs) = (owner.secret(&seen, "mine", "v").await, owner.secret(&hidden, "theirs", "v").await);
    let trash = |project: &str, secret: &str| format!("/v1/manage/projects/{project}/secrets/{secret}/delete");
    let machine = owner.machine().await;
    owner.attach(&seen, &machine).await;
    owner.attach(&hidden, &machine).await;
    let agent = owner.agent(&all_scopes(), &[&seen]).await;

    let token = |projects: &[&str], secrets: &[&str]| {
        json!({ "name": "ci", "projectIds": projects, "secretIds": secrets, "tokenLifetimeSeconds": 600,
                "machineLifetimeSeconds": 600, "maxUses": 1 })
    };
    agent.post("/v1/ai/enrollment-tokens", &token(&[&seen], &[&mine])).await.expect(200);
    agent.post("/v1/ai/enrollment-tokens", &token(&[&hidden], &[])).await.error(404);
    agent.post("/v1/ai/enrollment-tokens", &token(&[], &[&theirs])).await.error(404);
    agent.post("/v1/ai/enrollment-tokens", &token(&[&seen], &[&theirs])).await.error(404);
    // One that names a project it may not see, among others or by a secret, is not there for it.
    for named in [token(&[&seen, &hidden], &[]), token(&[&seen], &[&theirs])] {
        let id = owner.post("/v1/manage/enrollment-tokens", &named).await.expect(200).field("id");
        agent.get(&format!("/v1/ai/enrollment-tokens/{id}")).await.error(404);
        agent.post(&format!("/v1/ai/enrollment-tokens/{id}/revoke"), &json!({})).await.error(404);
    }
    let listed = agent.get("/v1/ai/enrollment-tokens").await.expect(200).json();
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1, "{listed}");
    let shown = agent.get(&format!("/v1/ai/machines/{}", machine.id)).await.expect(200).json();
    assert_eq!(shown["memberships"].as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(shown["memberships"][0]["projectName"], "seen");

    owner.post(&trash(&seen, &mine), &json!({})).await.expect(200);
    owner.post(&trash(&hidden, &theirs), &json!({})).await.expect(200);
    let listed = agent.get("/v1/ai/trash").await.expect(200).json();
    assert_eq!(listed["secrets"].as_array().unwrap().len(), 1);
    assert_eq!(listed["secrets"][0]["id"], mine);
    for what in ["restore", "purge"] {
        let missing = agent.post(&format!("/v1/ai/trash/sk_0000000000/{what}"), &json!({})).await;
        let hidden = agent.post(&format!("/v1/ai/trash/{theirs}/{what}"), &json!({})).await;
        assert_eq!((hidden.status, hidden.text()), (missing.status, missing.text()));
        hidden.error(404);
    }
    agent.post(&format!("/v1/ai/trash/{mine}/restore"), &json!({})).await.expect(200);
}

/// Every call is in the log with the agent as its actor: what it read, changed, was refused, and asked in vain.
#[tokio::test]
async fn every_call_of_an_agent_is_recorded() {
    let world = World::new().await;
    let owner = world.owner().await;
    let agent = owner.agent(&["projects.read", "projects.write"], &[]).await;
    let id = agent.id.parse().unwrap();
    let newest = async || {
        let records = world.audit(&owner).await;
        let mine: Vec<_> = records.into_iter().filter(|record| record.ai_agent_id == Some(id)).collect();
        assert!(mine.iter().all(|record| record.actor_kind == ActorKind::AiAgent));
        (mine.len(), mine.into_iter().next().unwrap())
    };
    agent.get("/v1/ai/projects").await.expect(200);
    let (one, record) = newest().await;
    assert_eq!((one, record.action, record.detail.as_str()), (1, Action::AgentAccess, "GET /v1/ai/projects"));
    assert_eq!(record.source_ip, "192.0.2.9");
    let project = agent.post("/v1/ai/projects", &json!({ "name": "p" })).await.expect(200).field("id");
    let (two, record) = newest().await;
    assert_eq!((two, record.action), (2, Action::ProjectCreate), "a change is its own record, and the only one");
    let path = format!("/v1/ai/projects/{project}/update");
    agent.post(&path, &json!({})).await.expect(200);
    let (three, record) = newest().await;
    assert_eq!((three, record.action, record.detail), (3, Action::AgentAccess, format!("POST {path}")));
    agent.post(&path, &json!({ "name": "" })).await.error(422);
    let (four, record) = newest().await;
    assert_eq!((four, record.action), (4, Action::RequestInvalid));
    assert!(record.detail.starts_with(&format!("POST {path}: 422 name must be")), "{}", record.detail);
    agent.get(&format!("/v1/ai/projects/{project}/secrets")).await.error(403);
    let (five, record) = newest().await;
    assert_eq!((five, record.action), (5, Action::RequestDenied));
    assert!(record.detail.ends_with("This needs the scope projects.secrets.read"), "{}", record.detail);
    agent.post("/v1/ai/projects/proj_0000000000/update", &json!({})).await.error(404);
    assert_eq!(newest().await.0, 6);
    // A call that only looks is recorded before it is looked at, and its refusal besides.
    agent.post("/v1/ai/projects/query", &json!({ "limit": 0 })).await.error(422);
    assert_eq!(newest().await.0, 8);
    // Both are of one moment, so their order says nothing.
    let both: Vec<Action> = world.newest_records(&owner, 2).await.into_iter().map(|record| record.action).collect();
    assert!(both.contains(&Action::AgentAccess) && both.contains(&Action::RequestInvalid), "{both:?}");
    // And the agent can see it.
    let me = agent.get("/v1/ai/whoami").await.expect(200).json();
    assert_eq!(me["recent"].as_array().unwrap().len(), 9, "with this call");
    for _ in 0..20 {
        agent.get("/v1/ai/projects").await.expect(200);
    }
    let me = agent.get("/v1/ai/whoami").await.expect(200).json();
    let actions: Vec<&str> =
        me["recent"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["ai_agent_access"; 20]);
}

/// A warm call of an agent that only looks costs one batch read and one write beside the handler's own reads.
#[tokio::test]
async fn the_calls_of_a_call_are_counted() {
    let world = World::new().await;
    let owner = world.owner().await;
    let agent = owner.agent(&all_scopes(), &[]).await;
    world.store.forget();
    agent.get("/v1/ai/sdks").await.expect(200);
    world.assert_calls(&["GetItem", "GetItem", "PutItem"]);
    world.store.forget();
    agent.post("/v1/ai/projects", &json!({ "name": "p" })).await.expect(200);
    world.assert_calls(&["GetItem", "GetItem", "PutItem", "TransactWriteItems"]);
    world.store.forget();
    owner.get("/v1/manage/sdks").await.expect(200);
    world.assert_calls(&["GetItem", "GetItem", "GetItem"]);
}

/// The vault's IP allowlist is for machines.
#[tokio::test]
async fn the_ip_allowlist_does_not_apply_to_agents() {
    let world = World::new().await;
    let owner = world.owner().await;
    let (_, secret, machine) = owner.readable("value").await;
    let agent = owner.agent(&["ipallowlist.write"], &[]).await;
    agent.post("/v1/ai/ipallowlist/enable", &json!({})).await.expect(200);
    machine.read(&secret).await.error(403);
    agent.post("/v1/ai/ipallowlist/disable", &json!({})).await.expect(200);
    machine.read(&secret).await.expect(200);
}

/// The protocol's own signed requests verify, down to the escaped body; and odd targets are of nothing.
#[tokio::test]
async fn odd_targets_are_of_nothing() {
    let world = World::with(Options { lockout_failures: Some(40), ..Options::default() }).await;
    let owner: Person<'_> = world.owner().await;
    let agent = owner.agent(&all_scopes(), &[]).await;
    for (method, target) in [
        ("POST", "/v1/ai/trash/../purge"),
        ("POST", "/v1/ai/trash//purge"),
        ("POST", "/v1/ai/trash/a%2Fb/purge"),
        ("GET", "/v1/ai/projects/"),
        ("GET", "/v1/ai/ai-agents/./name-history"),
        ("GET", "/v1/ai/projects/..%2f/secrets"),
        ("PUT", "/v1/ai/projects"),
        ("HEAD", "/v1/ai/whoami"),
    ] {
        let answer = world.send(agent.signed(method, target, b"")).await;
        assert_eq!(answer.status, 404, "{method} {target}: {}", answer.text());
    }
    // A body-less POST without a content type, as the client sends it.
    let project = owner.project("p").await;
    let secret = owner.secret(&project, "s", "v").await;
    let path = format!("/v1/ai/projects/{project}/secrets/{secret}/delete");
    world.send(agent.signed("POST", &path, b"")).await.expect(200);
    let large = vec![b' '; 1_024 * 1_024 + 1];
    world.send(agent.signed("POST", "/v1/ai/projects", &large)).await.error(413);
}
