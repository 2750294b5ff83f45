//! Who speaks to the system: people and machines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{KeyPair, sha256};
use protocol::SigningText;
use serde_json::{Value, json};

use crate::{Answer, Request, World};

/// A signed-in person.
pub struct Person<'w> {
    /// Where they live.
    pub world: &'w World,
    /// Their session's cookie, as a header value.
    pub cookie: String,
    /// Their id.
    pub id: String,
    /// Their vault.
    pub vault: String,
    /// Their address.
    pub email: String,
}

/// The password of everybody here.
pub(crate) const PASSWORD: &str = "a long passw0rd!";

/// The cookie that an answer sets, as a header value.
fn cookie(answer: &Answer) -> String {
    let set = answer.headers["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

impl<'w> Person<'w> {
    /// Makes an account.
    pub async fn sign_up(world: &'w World, email: &str) -> Self {
        let email = world.email(email);
        let body = json!({ "email": email, "username": "somebody", "password": PASSWORD });
        let request = Request::new("POST", "/v1/account/sign-up").header("x-sikkerkey-request", "1").json(&body);
        let answer = world.send(request).await.expect(200);
        Self { world, cookie: cookie(&answer), id: answer.field("userId"), vault: answer.field("vaultId"), email }
    }

    /// Somebody of their own, where anybody may sign up.
    pub async fn somebody(world: &'w World) -> Self {
        Self::sign_up(world, &format!("{}@example.org", hex::encode(crypto::random::bytes::<8>()))).await
    }

    /// The same person in a new session, when the old one may have ended.
    pub async fn again(&self) -> Self {
        let body = json!({ "email": self.email, "password": PASSWORD });
        let request = Request::new("POST", "/v1/account/sign-in").header("x-sikkerkey-request", "1").json(&body);
        let answer = self.world.send(request).await.expect(200);
        let (world, id, vault, email) = (self.world, self.id.clone(), self.vault.clone(), self.email.clone());
        Self { world, cookie: cookie(&answer), id, vault, email }
    }

    /// Shows again who it is, which holds for five minutes.
    pub async fn step_up(&self) {
        self.post("/v1/account/step-up", &json!({ "password": PASSWORD })).await.expect(200);
    }

    /// A request of this person without a body.
    pub fn of(&self, method: &str, target: &str) -> Request {
        Request::new(method, target).header("cookie", &self.cookie).header("x-sikkerkey-request", "1")
    }

    /// A request of this person; one with a body is a POST.
    pub fn request(&self, target: &str, body: Option<&Value>) -> Request {
        match body {
            Some(body) => self.of("POST", target).json(body),
            None => self.of("GET", target),
        }
    }

    /// Sends a POST.
    pub async fn post(&self, target: &str, body: &Value) -> Answer {
        self.world.send(self.request(target, Some(body))).await
    }

    /// Sends a GET.
    pub async fn get(&self, target: &str) -> Answer {
        self.world.send(self.request(target, None)).await
    }

    /// Shows that the address is theirs.
    pub async fn verify_email(&self) {
        self.post("/v1/account/verification", &json!({})).await.expect(200);
        let body = json!({ "token": self.world.mail.token() });
        self.post("/v1/account/verification/confirm", &body).await.expect(200);
    }

    /// Makes a project and gives its id.
    pub async fn project(&self, name: &str) -> String {
        self.post("/v1/manage/projects", &json!({ "name": name })).await.expect(200).field("id")
    }

    /// Stores a secret and gives its id.
    pub async fn secret(&self, project: &str, name: &str, value: &str) -> String {
        let path = format!("/v1/manage/projects/{project}/secrets");
        self.post(&path, &json!({ "name": name, "value": value })).await.expect(200).field("id")
    }

    /// Makes a bootstrap token.
    pub async fn bootstrap_token(&self) -> String {
        self.post("/v1/manage/bootstrap-tokens", &json!({})).await.expect(200).field("token")
    }

    /// Registers a machine, which is pending.
    pub async fn pending_machine(&self) -> Machine<'w> {
        let key = KeyPair::make();
        let token = self.bootstrap_token().await;
        let body = json!({ "publicKey": key.public().to_base64(), "hostname": "host" });
        let request = Request::new("POST", &format!("/v1/bootstrap/{token}/register")).json(&body);
        let answer = self.world.send(request).await.expect(200);
        Machine { world: self.world, id: answer.field("machineId"), key, from: "192.0.2.7".into() }
    }

    /// Registers a machine and approves it.
    pub async fn machine(&self) -> Machine<'w> {
        let machine = self.pending_machine().await;
        self.post(&format!("/v1/manage/machines/{}/approve", machine.id), &json!({})).await.expect(200);
        machine
    }

    /// Registers an AI agent, which is pending. No projects mean all of the vault.
    pub async fn pending_agent(&self, scopes: &[&str], projects: &[&str]) -> Agent<'w> {
        let body = json!({ "name": "helper", "scopes": scopes, "projectIds": projects });
        let token = self.post("/v1/manage/agent-bootstrap-tokens", &body).await.expect(200).field("token");
        let key = KeyPair::make();
        let body = json!({ "token": token, "publicKey": key.public().to_base64() });
        let answer = self.world.send(Request::new("POST", "/v1/ai-bootstrap/register").json(&body)).await.expect(200);
        Agent { world: self.world, id: answer.field("agentId"), key, from: "192.0.2.9".into() }
    }

    /// Registers an AI agent and approves it.
    pub async fn agent(&self, scopes: &[&str], projects: &[&str]) -> Agent<'w> {
        let agent = self.pending_agent(scopes, projects).await;
        self.post(&format!("/v1/manage/ai-agents/{}/approve", agent.id), &json!({})).await.expect(200);
        agent
    }

    /// Adds a machine to a project.
    pub async fn attach(&self, project: &str, machine: &Machine<'_>) {
        let path = format!("/v1/manage/projects/{project}/machines");
        self.post(&path, &json!({ "machineId": machine.id })).await.expect(200);
    }

    /// Sets a machine's grants in a project.
    pub async fn grant(&self, project: &str, machine: &Machine<'_>, secrets: &[&str]) -> Answer {
        let path = format!("/v1/manage/projects/{project}/machines/{}/grants", machine.id);
        self.post(&path, &json!({ "secretIds": secrets })).await
    }

    /// A project with one secret and a machine that may read it: the common start.
    pub async fn readable(&self, value: &str) -> (String, String, Machine<'w>) {
        // Names are unique, and many tests make many.
        self.readable_in(&format!("production {}", hex::encode(crypto::random::bytes::<8>())), value).await
    }

    /// The same in a project of this name.
    pub async fn readable_in(&self, project: &str, value: &str) -> (String, String, Machine<'w>) {
        let project = self.project(project).await;
        let secret = self.secret(&project, "api key", value).await;
        let machine = self.machine().await;
        self.attach(&project, &machine).await;
        self.grant(&project, &machine, &[&secret]).await.expect(200);
        (project, secret, machine)
    }
}

/// An AI agent with its key.
pub struct Agent<'w> {
    /// Where it lives.
    pub world: &'w World,
    /// Its id.
    pub id: String,
    /// Its key pair.
    pub key: KeyPair,
    /// Where its requests come from.
    pub from: String,
}

impl Agent<'_> {
    /// A signed request of this agent; one with a body is a POST.
    pub fn request(&self, target: &str, body: Option<&Value>) -> Request {
        let method = if body.is_some() { "POST" } else { "GET" };
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.signed(method, target, &body)
    }

    /// A signed request from its parts.
    pub fn signed(&self, method: &str, target: &str, body: &[u8]) -> Request {
        // As the published client makes nonces.
        let nonce = hex::encode(crypto::random::bytes::<16>());
        let seconds = self.world.now().seconds();
        signed_request(&self.key, &self.id, method, target, body, seconds, &nonce).from(&self.from)
    }

    /// Sends a signed GET.
    pub async fn get(&self, target: &str) -> Answer {
        self.world.send(self.request(target, None)).await
    }

    /// Sends a signed POST with a JSON body.
    pub async fn post(&self, target: &str, body: &Value) -> Answer {
        self.world.send(self.request(target, Some(body))).await
    }
}

/// A machine with its key.
pub struct Machine<'w> {
    /// Where it lives.
    pub world: &'w World,
    /// Its id.
    pub id: String,
    /// Its key pair.
    pub key: KeyPair,
    /// Where its requests come from.
    pub from: String,
}

/// A signed request, from its parts.
pub fn signed_request(
    key: &KeyPair,
    id: &str,
    method: &str,
    path: &str,
    body: &[u8],
    seconds: u64,
    nonce: &str,
) -> Request {
    let timestamp = seconds.to_string();
    let text = SigningText { method, path, timestamp: &timestamp, nonce, body_sha256: &sha256(body) }.to_bytes();
    let mut request = Request::new(method, path)
        .header("x-machine-id", id)
        .header("x-timestamp", &timestamp)
        .header("x-nonce", nonce)
        .header("x-signature", &STANDARD.encode(key.sign(&text)));
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    request.body = body.to_vec();
    request
}

/// A nonce as most clients make it.
pub(crate) fn nonce() -> String {
    STANDARD.encode(crypto::random::bytes::<16>())
}

impl Machine<'_> {
    /// A signed request of this machine, now.
    pub fn request(&self, method: &str, path: &str, body: &[u8]) -> Request {
        self.request_at(0, method, path, body)
    }

    /// The same with a clock that is this many seconds off.
    pub fn request_at(&self, off_seconds: i64, method: &str, path: &str, body: &[u8]) -> Request {
        let seconds = self.world.now().seconds().saturating_add_signed(off_seconds);
        signed_request(&self.key, &self.id, method, path, body, seconds, &nonce()).from(&self.from)
    }

    /// Sends a signed GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.world.send(self.request("GET", path, b"")).await
    }

    /// Sends a signed POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.world.send(self.request("POST", path, body.to_string().as_bytes())).await
    }

    /// Reads a secret.
    pub async fn read(&self, secret: &str) -> Answer {
        self.get(&format!("/v1/secret/{secret}")).await
    }
}
