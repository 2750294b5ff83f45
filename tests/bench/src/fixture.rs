//! What a run reads: an account, a project, one secret of 64 bytes, and a machine that is granted it. Set up over the
//! HTTP API, as a person and a machine would.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{KeyPair, random, sha256};
use edge::Clock;
use protocol::{MachineId, ProjectId, SecretId, SigningText, VaultId, signing::header};
use serde_json::{Value, json};

use crate::Failure;
use crate::http::{Connection, header as http_header};

/// The value that every read has to bring.
pub const VALUE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The peer of requests that have no connection.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// A machine that may read one secret.
pub struct Fixture {
    pub vault: VaultId,
    pub project: ProjectId,
    pub secret: SecretId,
    pub machine: MachineId,
    pub key: KeyPair,
    /// What the server is asked for as.
    host: String,
    /// The owner's session.
    cookie: String,
}

/// One request made ahead: its bytes, and what was signed.
pub struct Signed {
    pub bytes: Vec<u8>,
    pub path: String,
    pub headers: [(&'static str, String); 4],
    pub text: Vec<u8>,
    pub signature: [u8; 64],
    pub nonce: String,
}

/// A person's calls.
struct Person {
    connection: Connection,
    host: String,
    cookie: String,
}

impl Person {
    fn post(&mut self, path: &str, body: &Value) -> Result<Value, Failure> {
        let body = body.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nx-sikkerkey-request: 1\r\n\
             cookie: {}\r\ncontent-length: {}\r\n\r\n{body}",
            self.host,
            self.cookie,
            body.len()
        );
        let answer = self.connection.exchange(request.as_bytes())?;
        if answer.status != 200 {
            let said = String::from_utf8_lossy(answer.body);
            return Err(format!("POST {path} answered {}: {said}", answer.status).into());
        }
        if let Some(cookie) = http_header(answer.head, "set-cookie").and_then(|value| value.split(';').next()) {
            self.cookie = cookie.to_owned();
        }
        Ok(serde_json::from_slice(answer.body)?)
    }
}

fn id<T: std::str::FromStr>(answer: &Value, name: &str) -> Result<T, Failure> {
    let text = answer[name].as_str();
    text.and_then(|text| text.parse().ok()).ok_or_else(|| format!("an answer without a usable {name}").into())
}

/// The `Host` of requests to a server at this address. Local mode answers no other.
pub fn host_of(address: SocketAddr) -> String {
    format!("localhost:{}", address.port())
}

impl Fixture {
    /// Sets a fresh server up, and reads once.
    pub fn set_up(address: SocketAddr) -> Result<Self, Failure> {
        let host = host_of(address);
        let connection = Connection::open(address)?;
        let mut person = Person { connection, host: host.clone(), cookie: String::new() };
        let account = json!({ "email": "bench@example.org", "username": "bench", "password": "a long passw0rd!" });
        person.post("/v1/account/sign-up", &account)?;
        let answer = person.post("/v1/manage/projects", &json!({ "name": "bench" }))?;
        let project: ProjectId = id(&answer, "id")?;
        let secrets = format!("/v1/manage/projects/{project}/secrets");
        let secret = id(&person.post(&secrets, &json!({ "name": "bench", "value": VALUE }))?, "id")?;

        let key = KeyPair::make();
        let token: String = id(&person.post("/v1/manage/bootstrap-tokens", &json!({}))?, "token")?;
        let registration = json!({ "publicKey": key.public().to_base64(), "hostname": "bench" });
        let registered = person.post(&format!("/v1/bootstrap/{token}/register"), &registration)?;
        let machine: MachineId = id(&registered, "machineId")?;
        let vault = id(&registered, "vaultId")?;
        person.post(&format!("/v1/manage/machines/{machine}/approve"), &json!({}))?;
        let machines = format!("/v1/manage/projects/{project}/machines");
        person.post(&machines, &json!({ "machineId": machine }))?;
        person.post(&format!("{machines}/{machine}/grants"), &json!({ "secretIds": [secret] }))?;

        let fixture = Self { vault, project, secret, machine, key, host, cookie: person.cookie.clone() };
        let request = fixture.sign();
        let answer = person.connection.exchange(&request.bytes)?;
        if answer.status != 200 || answer.body != Self::expected_body() {
            return Err(format!("the first read answered {}", answer.status).into());
        }
        Ok(fixture)
    }

    /// Binds the secret to a new policy that says this.
    pub fn bind(&self, address: SocketAddr, policy: &Value) -> Result<(), Failure> {
        let connection = Connection::open(address)?;
        let mut person = Person { connection, host: self.host.clone(), cookie: self.cookie.clone() };
        let policies = format!("/v1/manage/projects/{}/policies", self.project);
        let made = person.post(&policies, policy)?;
        let binding = json!({ "policyId": made["id"] });
        person.post(&format!("/v1/manage/secrets/{}/binding", self.secret), &binding).map(drop)
    }

    /// The body of a read's answer.
    pub fn expected_body() -> Vec<u8> {
        json!({ "value": VALUE }).to_string().into_bytes()
    }

    /// Signs this many reads, now: they have to be sent within five minutes.
    pub fn sign_many(&self, number: usize) -> Vec<Signed> {
        (0..number).map(|_| self.sign()).collect()
    }

    /// Signs one read, now.
    pub fn sign(&self) -> Signed {
        let path = format!("/v1/secret/{}", self.secret);
        let timestamp = Clock::System.now().seconds().to_string();
        let nonce = STANDARD.encode(random::bytes::<16>());
        let text =
            SigningText { method: "GET", path: &path, timestamp: &timestamp, nonce: &nonce, body_sha256: &sha256(b"") }
                .to_bytes();
        let signature = self.key.sign(&text);
        let headers = [
            (header::MACHINE_ID, self.machine.to_string()),
            (header::TIMESTAMP, timestamp),
            (header::NONCE, nonce.clone()),
            (header::SIGNATURE, STANDARD.encode(signature)),
        ];
        let mut bytes = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n", self.host);
        for (name, value) in &headers {
            bytes.extend([name, ": ", value, "\r\n"]);
        }
        bytes.push_str("\r\n");
        Signed { bytes: bytes.into_bytes(), path, headers, text, signature, nonce }
    }
}

impl Signed {
    /// The request as a router takes it, with the peer's address beside it as the listener puts it there.
    pub fn request(&self) -> Result<Request, Failure> {
        let mut request = Request::builder().uri(&self.path).extension(ConnectInfo(PEER));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        Ok(request.body(Body::empty())?)
    }
}
