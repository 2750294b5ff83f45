//! Support tickets: who writes what, whose turn it is, and what each side sees.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::{Options, Person, World, keys};
use rules::audit::{Action, ActorKind};
use serde_json::{Value, json};

/// A world with its operator and somebody else, who has a vault too.
async fn world() -> World {
    World::with(Options { open_sign_up: true, ..Options::default() }).await
}

async fn ticket(person: &Person<'_>) -> String {
    let body =
        json!({ "categoryId": "bug", "priority": "high", "title": "It breaks", "body": "Since Monday.\nOften." });
    let made = person.post("/v1/manage/tickets", &body).await.expect(200);
    assert_eq!(made.field("status"), "waiting_on_staff");
    made.field("id")
}

async fn shown(person: &Person<'_>, id: &str) -> Value {
    person.get(&format!("/v1/manage/tickets/{id}")).await.expect(200).json()
}

async fn as_operator(operator: &Person<'_>, id: &str) -> Value {
    operator.get(&format!("/v1/operator/tickets/{id}")).await.expect(200).json()
}

#[tokio::test]
async fn both_sides_write_and_each_knows_whose_turn_it_is() {
    let world = world().await;
    let operator = world.owner().await;
    let somebody = Person::somebody(&world).await;
    let id = ticket(&somebody).await;
    let answer = format!("/v1/operator/tickets/{id}/reply");
    operator.post(&answer, &json!({ "body": "They always break it", "internal": true })).await.expect(200);
    assert_eq!(shown(&somebody, &id).await["status"], "waiting_on_staff", "a note changes nothing");
    operator.post(&answer, &json!({ "body": "Try again" })).await.expect(200);
    let seen = shown(&somebody, &id).await;
    assert_eq!(seen["status"], "waiting_on_customer");
    let messages = seen["messages"].as_array().unwrap();
    let said = |message: &Value| (message["author"].clone(), message["body"].clone());
    assert_eq!(
        messages.iter().map(said).collect::<Vec<_>>(),
        [(json!("customer"), json!("Since Monday.\nOften.")), (json!("staff"), json!("Try again")),]
    );
    assert_eq!(keys(&messages[0]), ["attachments", "author", "authorName", "body", "createdAt", "id"]);
    assert!(!seen.to_string().contains("They always"));
    let whole = as_operator(&operator, &id).await;
    assert_eq!((whole["messages"].as_array().unwrap().len(), &whole["messages"][1]["internal"]), (3, &json!(true)));
    somebody.post(&format!("/v1/manage/tickets/{id}/reply"), &json!({ "body": "No" })).await.expect(200);
    assert_eq!(shown(&somebody, &id).await["status"], "waiting_on_staff");
    // What the operator does is in the vault's log, without their address; a note is not.
    let log = world.audit(&somebody).await;
    let answers: Vec<_> = log.iter().filter(|record| record.action == Action::TicketAnswer).collect();
    assert_eq!(answers.len(), 1);
    assert_eq!((answers[0].actor_kind, answers[0].source_ip.as_str()), (ActorKind::External, "system"));
}

#[tokio::test]
async fn a_ticket_is_resolved_opened_again_rated_once_and_closed() {
    let world = world().await;
    let operator = world.owner().await;
    let id = ticket(&operator).await;
    let rate =
        async |rating: u64| operator.post(&format!("/v1/manage/tickets/{id}/rate"), &json!({ "rating": rating })).await;
    let reply = async || operator.post(&format!("/v1/manage/tickets/{id}/reply"), &json!({ "body": "b" })).await;
    let set = async |status: &str| {
        operator.post(&format!("/v1/operator/tickets/{id}/status"), &json!({ "status": status })).await
    };
    assert_eq!(rate(5).await.code(409), "ticket_not_resolved");
    set("resolved").await.expect(200);
    let before = world.count(&operator, Action::TicketAnswer).await;
    set("resolved").await.expect(200);
    assert_eq!(world.count(&operator, Action::TicketAnswer).await, before, "nothing changed");
    reply().await.expect(200);
    assert_eq!(shown(&operator, &id).await["status"], "waiting_on_staff");
    set("resolved").await.expect(200);
    for wrong in [0, 6] {
        assert_eq!(rate(wrong).await.error(422), "rating must be 1 to 5");
    }
    rate(4).await.expect(200);
    assert_eq!(rate(5).await.code(409), "rated_already");
    assert_eq!(shown(&operator, &id).await["rating"], 4);
    set("closed").await.expect(200);
    assert_eq!(reply().await.code(409), "ticket_closed");
    let answer = operator.post(&format!("/v1/operator/tickets/{id}/reply"), &json!({ "body": "b" })).await;
    assert_eq!(answer.code(409), "ticket_closed");
    let note = json!({ "body": "for later", "internal": true });
    operator.post(&format!("/v1/operator/tickets/{id}/reply"), &note).await.expect(200);
    assert_eq!(set("open").await.code(422), "invalid");
}

#[tokio::test]
async fn files_go_with_the_next_reply() {
    let world = world().await;
    let owner = world.owner().await;
    let id = ticket(&owner).await;
    let path = format!("/v1/manage/tickets/{id}/attachments");
    let file = |name: &str, bytes: &[u8]| json!({ "fileName": name, "contentType": "application/octet-stream", "base64": STANDARD.encode(bytes) });
    // Bytes that are no text come back as they were.
    let bytes: Vec<u8> = (0..=255).cycle().take(262_144).collect();
    let big = owner.post(&path, &file("a.bin", &bytes)).await.expect(200).field("id");
    let got = owner.get(&format!("/v1/manage/tickets/attachments/{big}")).await.expect(200).json();
    assert_eq!(keys(&got), ["base64", "contentType", "fileName"]);
    assert!(STANDARD.decode(got["base64"].as_str().unwrap()).unwrap() == bytes);
    assert_eq!(owner.post(&path, &file("b.bin", &[0; 262_145])).await.error(422), "base64 must be 1 to 262144 bytes");
    assert_eq!(owner.post(&path, &file("b.bin", &[])).await.error(422), "base64 must be 1 to 262144 bytes");
    for (field, value, error) in [
        ("contentType", "text", "contentType must be a media type such as text/plain"),
        ("contentType", "text/html\r\nx: y", "contentType must be a media type such as text/plain"),
        ("base64", "%", "base64 must be standard base64 with padding"),
    ] {
        let mut body = file("b.bin", b"b");
        body[field] = json!(value);
        assert_eq!(owner.post(&path, &body).await.error(422), error);
    }
    owner.post(&path, &file("b.bin", b"b")).await.expect(200);
    let reply = format!("/v1/manage/tickets/{id}/reply");
    owner.post(&reply, &json!({ "body": "See the files" })).await.expect(200);
    owner.post(&reply, &json!({ "body": "And more" })).await.expect(200);
    let messages = shown(&owner, &id).await["messages"].clone();
    let names = |at: usize| -> Vec<String> {
        let files = messages[at]["attachments"].as_array().unwrap();
        files.iter().map(|file| file["fileName"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((names(0), names(1), names(2)), (vec![], vec!["a.bin".into(), "b.bin".into()], vec![]));
    assert_eq!(messages[1]["attachments"][0]["size"], 262_144);
    for _ in 2..5 {
        owner.post(&path, &file("c.bin", b"c")).await.expect(200);
    }
    let full = owner.post(&path, &file("d.bin", b"d")).await;
    assert_eq!(
        (full.code(409), full.error(409)),
        ("limit_reached".into(), "A ticket has at most 5 attachments".into())
    );
}

#[tokio::test]
async fn tickets_are_listed_the_newest_first_to_their_vault_and_to_the_operator() {
    let world = world().await;
    let operator = world.owner().await;
    let somebody = Person::somebody(&world).await;
    let mut ids = vec![];
    for _ in 0..3 {
        ids.insert(0, ticket(&somebody).await);
    }
    let own = ticket(&operator).await;
    let resolved = json!({ "status": "resolved" });
    operator.post(&format!("/v1/operator/tickets/{}/status", ids[0]), &resolved).await.expect(200);
    let query = async |person: &Person<'_>, path: &str, body: Value| person.post(path, &body).await.expect(200).json();
    let listed = |answer: &Value| -> Vec<String> {
        answer["tickets"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    let path = "/v1/manage/tickets/query";
    let all = query(&somebody, path, json!({})).await;
    assert_eq!((listed(&all), &all["total"]), (ids.clone(), &json!(3)));
    assert_eq!(listed(&query(&somebody, path, json!({ "status": "open" })).await), ids[1..]);
    assert_eq!(listed(&query(&somebody, path, resolved.clone()).await), ids[..1]);
    assert_eq!(listed(&query(&somebody, path, json!({ "page": 2, "pageSize": 2 })).await), ids[2..]);
    let first = query(&somebody, path, json!({ "limit": 2 })).await;
    assert_eq!(listed(&first), ids[..2]);
    assert_eq!(listed(&query(&somebody, path, json!({ "limit": 2, "cursor": first["cursor"] })).await), ids[2..]);
    let both = somebody.post(path, &json!({ "page": 1, "cursor": first["cursor"] })).await;
    assert_eq!(both.code(422), "invalid");

    let every = query(&operator, "/v1/operator/tickets/query", json!({ "limit": 2 })).await;
    let rest = query(&operator, "/v1/operator/tickets/query", json!({ "cursor": every["cursor"] })).await;
    assert_eq!([listed(&every), listed(&rest)].concat(), [vec![own], ids.clone()].concat());
    assert_eq!(every["tickets"][1]["vaultId"], somebody.vault);
    let open = query(&operator, "/v1/operator/tickets/query", json!({ "status": "open" })).await;
    assert_eq!(listed(&open).len(), 3);
    assert_eq!(somebody.post("/v1/operator/tickets/query", &json!({})).await.code(403), "operator_only");
    // What is of another vault is not there.
    assert_eq!(operator.get(&format!("/v1/manage/tickets/{}", ids[0])).await.code(404), "ticket_not_found");
}
