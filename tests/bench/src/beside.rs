//! OpenBao or Vault beside the server: a key-value read with a token, in memory, audited to a file.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use bench::Failure;
use bench::fixture::VALUE;
use bench::http::Connection;

use crate::processes::Server;

/// The token of development mode, which may do everything.
const ROOT: &str = "bench";
/// How often, and how often at most, it is looked whether the server is ready.
const LOOKS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);
/// OpenBao enables an audit log by its API only when its configuration says so; Vault ignores the key.
const CONFIGURATION: &str = "unsafe_allow_api_audit_creation = true\n";
const POLICY: &str = r#"path "secret/data/bench" { capabilities = ["read"] }"#;

/// A running server in development mode, with one secret and a token that may read it.
pub struct Beside {
    pub server: Server,
    /// A read, ready to be sent.
    pub read: Vec<u8>,
    /// Holds the audit log.
    _folder: TempDir,
}

fn call(connection: &mut Connection, path: &str, body: &Value) -> Result<Value, Failure> {
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nx-vault-token: {ROOT}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = connection.exchange(request.as_bytes())?;
    match answer.status {
        200 => Ok(serde_json::from_slice(answer.body)?),
        204 => Ok(Value::Null),
        status => Err(format!("POST {path} answered {status}: {}", String::from_utf8_lossy(answer.body)).into()),
    }
}

/// Whether the server answers that it is unsealed.
fn is_ready(address: SocketAddr) -> bool {
    let health = b"GET /v1/sys/health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    Connection::open(address).is_ok_and(|mut to| to.exchange(health).is_ok_and(|answer| answer.status == 200))
}

impl Beside {
    /// Starts the program, which is OpenBao's `bao` or Vault's `vault`, and sets it up.
    pub fn start(program: &Path) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let configuration = folder.path().join("configuration.hcl");
        std::fs::write(&configuration, CONFIGURATION)?;
        let mut command = Command::new(program);
        command.arg("server").arg("-config").arg(&configuration);
        command.args(["-dev", "-dev-no-store-token"]);
        command.arg(format!("-dev-root-token-id={ROOT}")).arg(format!("-dev-listen-address={address}"));
        command.env_clear().env("HOME", folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        let server = Server::of(child, address);
        for _ in 0..LOOKS {
            if is_ready(address) {
                let read = Self::set_up(address, folder.path())?;
                return Ok(Self { server, read, _folder: folder });
            }
            sleep(PAUSE);
        }
        Err(format!("{} server -dev did not get ready", program.display()).into())
    }

    fn set_up(address: SocketAddr, folder: &Path) -> Result<Vec<u8>, Failure> {
        let mut to = Connection::open(address)?;
        let log = json!({ "type": "file", "options": { "file_path": folder.join("audit.log") } });
        call(&mut to, "/v1/sys/audit/file", &log)?;
        call(&mut to, "/v1/secret/data/bench", &json!({ "data": { "value": VALUE } }))?;
        call(&mut to, "/v1/sys/policies/acl/bench", &json!({ "policy": POLICY }))?;
        let made = call(&mut to, "/v1/auth/token/create", &json!({ "policies": ["bench"], "ttl": "1h" }))?;
        let token = made["auth"]["client_token"].as_str().ok_or("no token was made")?;
        Ok(format!("GET /v1/secret/data/bench HTTP/1.1\r\nhost: localhost\r\nx-vault-token: {token}\r\n\r\n").into())
    }
}
