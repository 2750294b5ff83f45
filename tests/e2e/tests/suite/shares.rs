//! Share links: the one attempt, what destroys a value, and what is left of it afterwards.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use e2e::{Answer, Fault, Options, Person, Request, World};
use rules::audit::{Action, ActorKind, Severity};
use serde_json::{Value, json};

use crate::races::{count, storm};

pub(crate) const VALUE: &str = "MARKER-5e1f-shared value";

/// A share link, as its maker has it.
pub(crate) struct Link<'w> {
    pub(crate) owner: &'w Person<'w>,
    pub(crate) project: String,
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) passphrase: String,
}

impl<'w> Link<'w> {
    async fn make(owner: &'w Person<'w>, body: Value) -> Self {
        let project = owner.project(&format!("p{}", hex::encode(crypto::random::bytes::<6>()))).await;
        Self::make_in(owner, project, body).await
    }

    pub(crate) async fn make_in(owner: &'w Person<'w>, project: String, body: Value) -> Self {
        let made = owner.post(&format!("/v1/manage/projects/{project}/temporary-secrets"), &body).await.expect(200);
        let (id, token, passphrase) = (made.field("id"), made.field("token"), made.field("passphrase"));
        assert_eq!(made.field("url"), format!("http://localhost:8080/v1/share/{token}"));
        Self { owner, project, id, token, passphrase }
    }

    pub(crate) async fn given(owner: &'w Person<'w>) -> Self {
        Self::make(owner, json!({ "name": "db password", "expiresInSeconds": 300, "value": VALUE })).await
    }

    fn path(&self) -> String {
        format!("/v1/share/{}", self.token)
    }

    fn attempt(&self, passphrase: &str) -> Request {
        Request::new("POST", &self.path()).json(&json!({ "passphrase": passphrase }))
    }

    /// The partition of its rows.
    pub(crate) fn pk(&self) -> String {
        format!("SHARE#{}", hex::encode(crypto::sha256(self.token.as_bytes())))
    }

    /// One of its rows, as it is stored.
    pub(crate) async fn stored(&self, table: &str, sk: &str) -> Option<HashMap<String, AttributeValue>> {
        let (client, prefix) = self.owner.world.by_hand();
        let key = [("pk", self.pk()), ("sk", sk.to_owned())];
        let key = key.map(|(name, text)| (name.to_owned(), AttributeValue::S(text)));
        let got = client.get_item().table_name(format!("{prefix}-{table}")).consistent_read(true);
        got.set_key(Some(key.into())).send().await.unwrap().item
    }

    pub(crate) async fn open(&self, passphrase: &str) -> Answer {
        self.owner.world.send(self.attempt(passphrase)).await
    }

    pub(crate) async fn page(&self) -> Answer {
        self.owner.world.send(Request::new("GET", &self.path())).await
    }

    pub(crate) async fn row(&self) -> Value {
        let listed =
            self.owner.get(&format!("/v1/manage/projects/{}/temporary-secrets", self.project)).await.expect(200).json();
        let rows = listed["temporarySecrets"].as_array().unwrap();
        rows.iter().find(|row| row["id"] == self.id).expect("its row").clone()
    }

    async fn status(&self) -> String {
        self.row().await["status"].as_str().unwrap().to_owned()
    }

    /// Neither its page nor an attempt is answered.
    async fn is_refused(&self) {
        for answer in [self.page().await, self.open(&self.passphrase).await] {
            assert_eq!(answer.code(410), "link_gone");
            assert_eq!(answer.error(410), "This link was used or has expired");
        }
    }

    /// It is over: nothing opens it, and there is nothing left to open.
    async fn is_gone(&self) {
        self.is_refused().await;
        assert_eq!(self.stored("values", "VALUE").await, None, "its value is there");
    }
}

#[tokio::test]
async fn the_right_passphrase_shows_the_value_once() {
    let world = World::new().await;
    let owner = world.owner().await;
    let link = Link::given(&owner).await;
    for _ in 0..3 {
        let page = link.page().await.expect(200);
        assert!(page.text().contains("<form>") && !page.text().contains(VALUE));
        assert_eq!(page.headers["cache-control"], "no-store");
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
    }
    assert_eq!(link.status().await, "pending");
    world.wait_seconds(10);
    let typed = format!(" {} ", link.passphrase.to_uppercase().replace('-', " "));
    let opened = link.open(&typed).await.expect(200);
    assert_eq!(opened.json(), json!({ "name": "db password", "value": VALUE }));
    assert_eq!(opened.headers["cache-control"], "no-store");
    link.is_gone().await;

    let newest = world.newest_records(&owner, 1).await.remove(0);
    assert_eq!((newest.action, newest.severity), (Action::ShareLinkView, Severity::Medium));
    assert_eq!((newest.actor_kind, newest.detail.as_str()), (ActorKind::External, "Share link db password opened"));
    assert_eq!(newest.source_ip, "192.0.2.1");
    let row = link.row().await;
    assert_eq!((&row["status"], &row["endedAt"]), (&json!("viewed"), &json!(newest.timestamp)));
    assert_eq!(world.count(&owner, Action::ShareLinkView).await, 1);
    // Its end comes and finds nothing to do.
    world.wait_seconds(400);
    assert_eq!(world.sweep().await, 0);
    assert_eq!(link.status().await, "viewed");
}

#[tokio::test]
async fn a_wrong_passphrase_destroys_the_value() {
    let world = World::new().await;
    let owner = world.owner().await;
    for wrong in ["abcde-fghjk-mnpqr-stuvw", "x", "\u{1f511}", " ", &"a".repeat(128)] {
        let link = Link::given(&owner).await;
        let refused = link.open(wrong).await;
        assert_eq!(refused.code(410), "passphrase_wrong");
        assert_eq!(refused.error(410), "This is not the passphrase, and the link is destroyed");
        link.is_gone().await;
        assert_eq!(link.status().await, "destroyed");
        let newest = world.newest_records(&owner, 1).await.remove(0);
        assert_eq!((newest.action, newest.severity), (Action::ShareLinkFail, Severity::High));
    }
    assert_eq!(world.count(&owner, Action::ShareLinkView).await, 0);
    world.wait_seconds(400);
    assert_eq!(world.sweep().await, 0, "no attempt was cut off, and no link is left to expire");
}

/// What is no attempt costs none, and unknown links are not guesses that lock anybody out.
#[tokio::test]
async fn what_is_no_attempt_consumes_nothing() {
    let world = World::with(Options { lockout_failures: Some(1), ..Options::default() }).await;
    let owner = world.owner().await;
    let link = Link::given(&owner).await;
    let send = |body: &str| world.send(Request::new("POST", &link.path()).with_json(body.as_bytes()));
    for (body, status) in [
        ("{", 400),
        ("", 422),
        ("{}", 422),
        (r#"{"passphrase":""}"#, 422),
        (r#"{"passphrase":1}"#, 422),
        (r#"{"passphrase":null}"#, 400),
        (&format!(r#"{{"passphrase":"{}"}}"#, "a".repeat(129)), 422),
        (&format!(r#"{{"passphrase":"{}","more":1}}"#, link.passphrase), 422),
        (&format!(r#"{{"passphrase":"{}"}}"#, "a".repeat(70_000)), 413),
    ] {
        send(body).await.error(status);
    }
    let text = world.send(link.attempt(&link.passphrase).replace("content-type", "text/plain")).await;
    assert_eq!(text.code(415), "content_type");
    world.send(Request::new("HEAD", &link.path())).await.expect(404);
    world.send(Request::new("PUT", &link.path())).await.error(404);
    world.keys.set_down(true);
    link.open("wrong").await.error(503);
    world.keys.set_down(false);
    for token in ["x", &"A".repeat(43), &"A".repeat(44), "..%2f..", &"0".repeat(64)] {
        for method in ["GET", "POST"] {
            let request = Request::new(method, &format!("/v1/share/{token}"));
            let request = if method == "POST" { request.json(&json!({ "passphrase": "x" })) } else { request };
            assert_eq!(world.send(request).await.code(410), "link_gone", "{method} {token}");
        }
    }
    link.open(&link.passphrase).await.expect(200);
}

#[tokio::test]
async fn bad_links_are_not_made() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("p").await;
    let path = format!("/v1/manage/projects/{project}/temporary-secrets");
    let good = json!({ "name": "n", "expiresInSeconds": 60, "value": "v" });
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for (body, problem) in [
        (with("name", "".into()), "name must be 1 to 256 characters"),
        (with("name", "n".repeat(257).into()), "name must be 1 to 256 characters"),
        (with("expiresInSeconds", 59.into()), "expiresInSeconds must be 60 to 86400"),
        (with("expiresInSeconds", 86_401.into()), "expiresInSeconds must be 60 to 86400"),
        (with("value", "".into()), "value must be 1 to 102400 bytes"),
        (with("value", "v".repeat(102_401).into()), "value must be 1 to 102400 bytes"),
        (with("value", Value::Null), "value must be given, or else generateRandom must be true"),
        (with("generateRandom", true.into()), "value must be given, or else generateRandom must be true"),
        (
            json!({ "name": "n", "expiresInSeconds": 60, "generateRandom": true, "length": 1_025 }),
            "length must be 1 to",
        ),
        (json!({ "name": "n", "expiresInSeconds": 60, "generateRandom": true, "charset": "emoji" }), "charset has"),
    ] {
        let text = owner.post(&path, &body).await.error(422);
        assert!(text.starts_with(problem), "{body}: {text}");
    }
    owner.post("/v1/manage/projects/proj_0000000000/temporary-secrets", &good).await.error(404);
    assert_eq!(owner.get(&path).await.expect(200).json()["temporarySecrets"], json!([]));
    owner.post(&path, &with("value", "v".repeat(102_400).into())).await.expect(200);
    owner.post(&path, &with("generateRandom", false.into())).await.expect(200);
}

/// A generated value is nowhere but on the page; of what is shown, everything is random.
#[tokio::test]
async fn a_generated_value_is_what_was_asked_for() {
    let world = World::new().await;
    let owner = world.owner().await;
    let mut seen = HashSet::new();
    for (how, length) in [(json!({}), 32), (json!({ "length": 100, "charset": "numbers" }), 100)] {
        let mut body = json!({ "name": "n", "expiresInSeconds": 60, "generateRandom": true });
        body.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
        let link = Link::make(&owner, body).await;
        let value = link.open(&link.passphrase).await.expect(200).field("value");
        assert_eq!(value.len(), length);
        assert!(length == 32 || value.bytes().all(|byte| byte.is_ascii_digit()));
        assert!(seen.insert(value) && seen.insert(link.passphrase.clone()) && seen.insert(link.token.clone()));
    }
}

#[tokio::test]
async fn a_link_expires() {
    let world = World::new().await;
    let owner = world.owner().await;
    let link = Link::given(&owner).await;
    world.wait_seconds(300);
    // Refused at once, and shown as what it is.
    link.is_refused().await;
    let row = link.row().await;
    let ended = row["createdAt"].as_u64().unwrap() + 300_000;
    assert_eq!((&row["status"], &row["endedAt"]), (&json!("expired"), &json!(ended)));
    assert_eq!(world.sweep().await, 1);
    link.is_gone().await;
    assert_eq!(link.row().await, row);
    let newest = world.newest_records(&owner, 1).await.remove(0);
    assert_eq!((newest.action, newest.actor_kind), (Action::ShareLinkExpire, ActorKind::System));
    assert_eq!(newest.detail, "Share link db password expired");
    assert_eq!(world.sweep().await, 0);
    // It is listed for 90 days more.
    let stored = link.stored("vault", "SHARE").await.unwrap();
    assert_eq!(stored["ttl"].as_n().unwrap().parse::<u64>().unwrap(), ended / 1_000 + 90 * 86_400);
}

/// One winner, whoever races; and no record but that of the one attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_racers_one_makes_the_attempt() {
    let world = World::new().await;
    world.store.interleave();
    let owner = world.owner().await;
    let other = world.another_process();
    let worlds = [&world, &other];

    let link = Link::given(&owner).await;
    let statuses = storm(&worlds, vec![link.attempt(&link.passphrase); 64]).await;
    assert_eq!((count(&statuses, 200), count(&statuses, 410)), (1, 63), "{statuses:?}");
    assert_eq!(world.count(&owner, Action::ShareLinkView).await, 1);

    // Right and wrong at once: one outcome, whichever it is.
    for round in 0..4 {
        let link = Link::given(&owner).await;
        let request = |n: usize| link.attempt(if n.is_multiple_of(2) { &link.passphrase } else { "wrong" });
        let before = world.count(&owner, Action::ShareLinkView).await;
        let statuses = storm(&worlds, (0..64).map(request).collect()).await;
        let won = count(&statuses, 200);
        assert!(won <= 1 && won + count(&statuses, 410) == 64, "round {round}: {statuses:?}");
        let [views, fails] = [Action::ShareLinkView, Action::ShareLinkFail].map(|action| world.count(&owner, action));
        let (views, fails) = (views.await - before, fails.await);
        assert_eq!(views, won, "round {round}");
        assert_eq!(link.status().await, if won == 1 { "viewed" } else { "destroyed" });
        assert!(fails <= round + 1);
        link.is_gone().await;
    }
    // The end of a link against the attempt.
    let link = Link::given(&owner).await;
    world.wait_seconds(299);
    let attempt = link.attempt(&link.passphrase);
    let (statuses, _) = tokio::join!(storm(&worlds, vec![attempt; 8]), world.try_sweep());
    assert!(count(&statuses, 200) <= 1, "{statuses:?}");
    link.is_gone().await;
}

/// Cut off anywhere, an attempt leaves either a link that can still be opened or a record of what became of it.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_cut_off_is_recorded() {
    let world = World::with(Options { lockout_failures: Some(40), ..Options::default() }).await;
    let owner = world.owner().await;
    let (mut unharmed, mut lost) = (0, 0);
    for nth in 0..12 {
        owner.step_up().await;
        let link = Link::given(&owner).await;
        let before = world.count(&owner, Action::ShareLinkFail).await;
        world.store.fail(nth, Fault::Error, true);
        let answer = link.open(&link.passphrase).await;
        world.store.heal();
        if answer.status == 200 {
            assert!((nth, unharmed > 0, lost) > (2, true, 0), "{nth} {unharmed} {lost}");
            return;
        }
        answer.error(503);
        if link.status().await == "pending" {
            unharmed += 1;
            link.open(&link.passphrase).await.expect(200);
            continue;
        }
        lost += 1;
        link.is_gone().await;
        world.wait_seconds(61);
        assert_eq!(world.sweep().await, 1);
        assert_eq!(world.sweep().await, 0);
        assert_eq!(world.count(&owner, Action::ShareLinkFail).await, before + 1);
        let newest = world.newest_records(&owner, 1).await.remove(0);
        assert_eq!(newest.detail, "Share link db password destroyed by an attempt that was cut off");
        assert_eq!(link.status().await, "destroyed");
    }
    panic!("the attempt never came through");
}

/// With its project the links are gone at once, and their values a little later.
#[tokio::test]
async fn a_deleted_project_takes_its_links_with_it() {
    let world = World::new().await;
    let owner = world.owner().await;
    let project = owner.project("p").await;
    let body = json!({ "name": "n", "expiresInSeconds": 86_400, "value": VALUE });
    let link = Link::make_in(&owner, project.clone(), body.clone()).await;
    let viewed = Link::make_in(&owner, project.clone(), body).await;
    viewed.open(&viewed.passphrase).await.expect(200);
    let path = format!("/v1/manage/projects/{project}/delete");
    let preview = owner.post(&path, &json!({ "preview": true })).await.expect(200).json();
    assert_eq!(preview["counts"]["temporarySecrets"], 1, "{preview}");
    owner.post(&path, &json!({ "confirmName": "p" })).await.expect(200);
    link.is_refused().await;
    world.wait_seconds(61);
    assert!(world.sweep().await > 0);
    link.is_gone().await;
    world.wait_seconds(86_400);
    world.sweep().await;
    assert_eq!(world.count(&owner, Action::ShareLinkExpire).await, 0);
}

/// Machines know nothing of share links; another vault neither.
#[tokio::test]
async fn a_link_is_no_secret_of_its_project() {
    let world = World::with(Options { open_sign_up: true, ..Options::default() }).await;
    let owner = world.owner().await;
    let (project, secret, machine) = owner.readable("v").await;
    let body = json!({ "name": "n", "expiresInSeconds": 300, "value": VALUE });
    let link = Link::make_in(&owner, project.clone(), body).await;
    machine.read(&link.id).await.error(404);
    let listed = machine.get("/v1/secrets").await.expect(200).json();
    assert_eq!(listed["secrets"].as_array().unwrap().len(), 1);
    let exported = machine.post("/v1/secrets/export", &json!({})).await.expect(200).json();
    assert!(exported.to_string().contains(&secret) && !exported.to_string().contains(VALUE));
    let path = format!("/v1/manage/projects/{project}/temporary-secrets");
    Person::somebody(&world).await.get(&path).await.error(404);
    let query = async |body: Value| owner.post(&format!("{path}/query"), &body).await.expect(200).json();
    for (body, found) in [
        (json!({}), 1),
        (json!({ "status": "pending", "name": "N" }), 1),
        (json!({ "status": "viewed" }), 0),
        (json!({ "name": "other" }), 0),
    ] {
        assert_eq!(query(body.clone()).await["temporarySecrets"].as_array().unwrap().len(), found, "{body}");
    }
}
