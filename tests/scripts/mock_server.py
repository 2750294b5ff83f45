#!/usr/bin/env python3
"""A stand-in for the SikkerKey server, for the tests of the onboarding scripts.

It serves the scripts as the server does (common.sh first, placeholders replaced), answers registration, enrollment
and export, and judges what arrives: every deviation from the protocol becomes a line in `problems`. It listens on
127.0.0.1 only, on two ports: the first takes registrations, the second signed reads, so that a script that ignores the
`apiUrl` of the answer is noticed. When it is ready it prints one line: both ports, the bootstrap token, the vault id and
the enrollment token. It ends when its standard input does.

Control, by the test suite:
  POST /_mock/scenario   starts afresh with this JSON object (keys: see Scenario)
  GET  /_mock/state      what has been seen since
  GET  /_mock/held       answers once a registration is being held back
"""

import argparse
import base64
import hashlib
import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import uuid

import fixture

TOKEN = "0123456789abcdef" * 4
VAULT = "vault_a1b2c3d4e5"
ENROLLMENT_TOKEN = "ske_" + "aB3_-" * 8 + "xyz"
SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
SCRIPTS = {"": "bootstrap.sh", "/ps": "bootstrap.ps1", "/k8s": "kubernetes.sh", "/ci": "ci.sh"}


class Scenario:
    """One test's settings and what was seen during it."""

    def __init__(self, settings):
        self.register = settings.get("register")  # {"status", "body"}: answer this instead of registering
        self.answer = settings.get("answer", {})  # members that replace those of the registration's answer
        self.export = list(settings.get("export", []))  # {"status", "body"}: answer these first, one per attempt
        self.script_token = settings.get("script_token", TOKEN)
        self.hold = settings.get("hold", False)
        self.held = threading.Event()
        self.release = threading.Event()
        self.requests = []
        self.problems = []
        self.registered = {}
        self.nonces = set()
        self.last = {}


class Mock:
    def __init__(self, bootstrap_dir, enroll_dir, reserved):
        lines = pathlib.Path(reserved).read_text(encoding="ascii").splitlines()
        self.reserved = " | ".join(name for line in lines if not line.startswith("#") for name in line.split())
        self.bootstrap_dir = pathlib.Path(bootstrap_dir)
        self.enroll_dir = pathlib.Path(enroll_dir)
        self.control_url = self.read_url = ""
        self.scenario = Scenario({})

    def script(self, name, directory):
        text = (directory / name).read_text(encoding="ascii")
        if name.endswith(".sh"):
            text = (self.bootstrap_dir / "common.sh").read_text(encoding="ascii") + text
        return (
            text.replace("__SIKKERKEY_API_URL__", self.control_url)
            .replace("__SIKKERKEY_TOKEN__", self.scenario.script_token)
            .replace("__SIKKERKEY_VAULT_ID__", VAULT)
            .replace("__SIKKERKEY_RESERVED__", self.reserved)
        )


def verify(public_key, message, signature):
    """Checks an Ed25519 signature with openssl."""
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory)
        (folder / "key").write_bytes(SPKI_PREFIX + public_key)
        (folder / "message").write_bytes(message)
        (folder / "signature").write_bytes(signature)
        command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER"]
        files = ["-inkey", folder / "key", "-in", folder / "message", "-sigfile", folder / "signature"]
        return subprocess.run(command + files, capture_output=True, check=False).returncode == 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    mock = None

    def log_message(self, *_):
        pass

    @property
    def scenario(self):
        return self.mock.scenario

    def reply(self, status, body, content_type="application/json"):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def expect(self, condition, problem):
        if not condition:
            self.scenario.problems.append(f"{self.command} {self.path.split('/')[-1]}: {problem}")
        return condition

    def do_GET(self):
        if self.path == "/_mock/state":
            names = ("requests", "problems", "last")
            self.reply(200, {name: getattr(self.scenario, name) for name in names})
        elif self.path == "/_mock/held":
            self.reply(200 if self.scenario.held.wait(timeout=30) else 500, {})
        elif self.path == f"/v1/{VAULT}/enroll/script":
            self.reply(200, self.mock.script("sikkerkey-init.sh", self.mock.enroll_dir), "text/plain; charset=utf-8")
        elif match := re.fullmatch(rf"/v1/bootstrap/{TOKEN}(|/ps|/k8s|/ci)", self.path):
            name = SCRIPTS[match[1]]
            self.reply(200, self.mock.script(name, self.mock.bootstrap_dir), "text/plain; charset=utf-8")
        else:
            self.reply(404, {"error": "Not found"})

    def do_POST(self):
        self.expect("Transfer-Encoding" not in self.headers, "the body is chunked")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/_mock/scenario":
            self.scenario.release.set()
            self.mock.scenario = Scenario(json.loads(body))
            self.reply(200, {})
            return
        self.scenario.requests.append(self.path)
        reads = self.server.server_port == self.mock.read_port
        if self.path == "/v1/secrets/export":
            self.expect(reads, "the export did not go to the apiUrl of the answer")
            self.export(body)
        elif self.path == f"/v1/bootstrap/{TOKEN}/register":
            self.register(body, {"publicKey", "hostname"})
        elif self.path == f"/v1/{VAULT}/enroll/register":
            self.register(body, {"token", "publicKey", "hostname"})
        else:
            self.expect(False, f"no such route: {self.path}")
            self.reply(404, {"error": "Not found"})

    def register(self, body, members):
        self.expect(self.headers.get("Content-Type") == "application/json", "the content type is not application/json")
        message = json.loads(body)
        self.expect(set(message) == members, f"the body has the members {sorted(message)}")
        self.expect(message.get("token", ENROLLMENT_TOKEN) == ENROLLMENT_TOKEN, "the token in the body is another one")
        self.expect(re.fullmatch(r"[A-Za-z0-9._-]{1,255}", message["hostname"]), "the host name is not a plain one")
        public_key = base64.b64decode(message["publicKey"], validate=True)
        self.expect(len(message["publicKey"]) == 44 and len(public_key) == 32, "the public key is not 32 bytes in base64")

        scenario = self.scenario
        if scenario.hold:
            scenario.held.set()
            scenario.release.wait(timeout=30)
        if scenario.register:
            self.reply(scenario.register["status"], scenario.register["body"])
            return
        machine_id = str(uuid.uuid4())
        scenario.registered[machine_id] = public_key
        answer = {
            "machineId": machine_id,
            "machineName": message["hostname"],
            "vaultId": VAULT,
            "apiUrl": self.mock.read_url,
        }
        if "token" in message:
            answer["expiresAt"] = int(time.time()) + 3600
        answer.update(scenario.answer)
        scenario.last = {"publicKey": message["publicKey"], "hostname": message["hostname"], **answer}
        self.reply(200, {name: value for name, value in answer.items() if value is not None})

    def export(self, body):
        scenario = self.scenario
        headers = {name: self.headers.get_all(f"X-{name}", []) for name in ("Machine-Id", "Timestamp", "Nonce", "Signature")}
        if not self.expect(all(len(values) == 1 for values in headers.values()), "a signature header is missing or doubled"):
            self.reply(401, {"error": "Authentication failed"})
            return
        machine_id, timestamp, nonce, signature = (values[0] for values in headers.values())
        body_hash = hashlib.sha256(body).hexdigest()
        payload = f"POST:/v1/secrets/export:{timestamp}:{nonce}:{body_hash}".encode()
        fine = (
            self.expect(machine_id in scenario.registered, "the machine is unknown")
            and self.expect(re.fullmatch(r"[0-9]{10}", timestamp), "the timestamp is not in seconds")
            and self.expect(abs(int(timestamp) - time.time()) < 300, "the timestamp is off")
            and self.expect(len(base64.b64decode(nonce, validate=True)) == 16, "the nonce is not 16 bytes")
            and self.expect(nonce not in scenario.nonces, "the nonce was used before")
            and self.expect(len(signature) == 88, "the signature is not 64 bytes in base64")
            and self.expect(
                verify(scenario.registered[machine_id], payload, base64.b64decode(signature, validate=True)),
                "the signature does not verify",
            )
        )
        scenario.nonces.add(nonce)
        if body:
            self.expect(self.headers.get("Content-Type") == "application/json", "the body's type is not application/json")
            self.expect(set(json.loads(body)) == {"projectId"}, "the body is not a project scope")
        else:
            self.expect("Content-Type" not in self.headers, "a content type without a body")
        scenario.last["exportBody"] = body.decode()
        if not fine:
            self.reply(401, {"error": "Authentication failed"})
        elif scenario.export:
            planned = scenario.export.pop(0)
            self.reply(planned["status"], planned["body"])
        else:
            self.reply(200, {"secrets": fixture.SECRETS})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bootstrap_scripts", help="directory with common.sh, bootstrap.sh and so on")
    parser.add_argument("enroll_scripts", help="directory with sikkerkey-init.sh")
    parser.add_argument("reserved", help="file with the names that no variable may have")
    arguments = parser.parse_args()
    mock = Mock(arguments.bootstrap_scripts, arguments.enroll_scripts, arguments.reserved)
    Handler.mock = mock
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    mock.read_port = servers[1].server_port
    mock.control_url, mock.read_url = (f"http://localhost:{server.server_port}" for server in servers)
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(*(server.server_port for server in servers), TOKEN, VAULT, ENROLLMENT_TOKEN, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
