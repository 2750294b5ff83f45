"""What every conformance suite needs around a published client.

`Server` starts one local server on a free port and stops it by its own process id. `Owner` is the person who
signed up on it: the set-up calls of the management plane, in plain urllib. `Machine` is one registered machine and
the files a client reads: identity.json and private.pem.

Nothing here tests anything. A set-up call that fails raises `Refused` with method, path, status and body, so that a
broken server is not mistaken for a broken client.
"""

import base64
import collections
import hashlib
import http.client
import http.cookiejar
import json
import os
import pathlib
import queue
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# The owner's.
EMAIL = "owner@example.com"
PASSWORD = "correct-horse-battery-9"

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DEFAULT_SERVER_COMMAND = "./local/run"

# `./local/run` builds first if it has to; a cold build takes some minutes on two cores.
START_TIMEOUT_SECONDS = 900
STOP_TIMEOUT_SECONDS = 30
CALL_TIMEOUT_SECONDS = 30

# The server is always this machine: a proxy named in the environment must see none of it.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Refused(Exception):
    """A set-up call that was not answered with 200."""

    def __init__(self, method, path, status, body):
        super().__init__(f"{method} {path} was answered {status}: {body[:500]}")
        self.status = status
        self.body = body


class Server:
    """One process of the local server, with nothing in it; in memory, or in a data folder if one is named.

    The command is taken from SIKKERKEY_LOCAL and run in the repository's root. It has to print
    `ready http://localhost:PORT` on its standard output and to stop on SIGTERM.
    """

    def __init__(self, data=None, options=()):
        command = shlex.split(os.environ.get("SIKKERKEY_LOCAL") or DEFAULT_SERVER_COMMAND)
        self._log = collections.deque(maxlen=60)
        self._ready = queue.Queue()
        self._process = subprocess.Popen(
            [*command, "--port", "0", *(["--data", str(data)] if data else ["--ephemeral"]), *options],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        for stream in (self._process.stdout, self._process.stderr):
            threading.Thread(target=self._drain, args=(stream,), daemon=True).start()
        try:
            self.url = self._await_ready(command)
        except BaseException:
            self.stop()
            raise

    def _drain(self, stream):
        for line in stream:
            self._log.append(line.rstrip("\n"))
            word, _, url = line.strip().partition(" ")
            if stream is self._process.stdout and word == "ready":
                self._ready.put(url)
        stream.close()

    def _await_ready(self, command):
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            try:
                return self._ready.get(timeout=0.5).rstrip("/")
            except queue.Empty:
                if self._process.poll() is not None:
                    break
        raise RuntimeError(f"{shlex.join(command)} did not get ready. Its last lines:\n{self.log()}")

    def told(self, word):
        """What the server printed behind this word, right after `ready`."""
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            for line in list(self._log):
                if line.startswith(f"{word} "):
                    return line.removeprefix(f"{word} ")
        raise RuntimeError(f"the server did not print {word}. Its last lines:\n{self.log()}")

    def log(self):
        """The last lines that the server printed, for a failure's report."""
        return "\n".join(list(self._log))

    def stop(self):
        """SIGTERM to the process that was started. What does not end by that is killed, and said."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"the server was still there {STOP_TIMEOUT_SECONDS} s after SIGTERM", file=sys.stderr)
        # The server leads a process group of its own, so this reaches nothing but it and what it started.
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
            print("the server left processes behind, which were killed", file=sys.stderr)
        except ProcessLookupError:
            pass
        self._process.wait()


def fetch(method, url, body=None, headers=None, jar=None):
    """One HTTP exchange. Returns status, headers and body bytes, whatever the status."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    if data is not None:
        request.add_header("Content-Type", "application/json")
    try:
        if jar is not None:
            jar.add_cookie_header(request)
        with _opener.open(request, timeout=CALL_TIMEOUT_SECONDS) as answer:
            if jar is not None:
                jar.extract_cookies(answer, request)
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers, refusal.read()
    except (urllib.error.URLError, http.client.HTTPException, OSError) as failure:
        raise Refused(method, url, "nothing", repr(failure)) from failure


class Owner:
    """The person who owns the vault of a fresh server, signed in."""

    def __init__(self, server):
        self.url = server.url
        # An ordinary one: what local mode sets has to be kept and sent back over http.
        self.jar = http.cookiejar.CookieJar()
        account = self.post("/v1/account/sign-up", {
            "email": EMAIL,
            "username": "owner",
            "password": PASSWORD,
        })
        self.vault_id = account["vaultId"]

    def post(self, path, body=None):
        headers = {"X-SikkerKey-Request": "1"}
        status, answer_headers, raw = fetch("POST", self.url + path, body, headers, self.jar)
        if answer_headers["X-SikkerKey-Error"] == "step_up_required":
            # Signing up counted for five minutes.
            self.post("/v1/account/step-up", {"password": PASSWORD})
            status, _, raw = fetch("POST", self.url + path, body, headers, self.jar)
        if status != 200:
            raise Refused("POST", path, status, raw.decode(errors="replace"))
        return json.loads(raw) if raw else {}

    @property
    def cookie(self):
        """What carries the session, as a header has it."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)

    def get(self, path):
        status, _, raw = fetch("GET", self.url + path, jar=self.jar)
        if status != 200:
            raise Refused("GET", path, status, raw.decode(errors="replace"))
        return json.loads(raw)

    # Projects and secrets

    def project(self):
        """A new project; its id."""
        return self.post("/v1/manage/projects", {"name": unique("project")})["id"]

    def secret(self, project_id, value, name=None, field_names=None):
        """A new secret; its id. With `field_names` it is structured and `value` is the JSON text of its fields."""
        body = {"name": name or unique("secret"), "value": value}
        if field_names is not None:
            body["fieldNames"] = field_names
        return self.post(f"/v1/manage/projects/{project_id}/secrets", body)["id"]

    def update(self, project_id, secret_id, value):
        self.post(f"/v1/manage/projects/{project_id}/secrets/{secret_id}/update", {"value": value})

    def trash(self, project_id, secret_id):
        self.post(f"/v1/manage/projects/{project_id}/secrets/{secret_id}/delete")

    def freeze(self, project_id):
        self.post(f"/v1/manage/projects/{project_id}/freeze", {})

    def unfreeze(self, project_id):
        self.post(f"/v1/manage/projects/{project_id}/unfreeze")

    # Machines

    def bootstrap_token(self):
        return self.post("/v1/manage/bootstrap-tokens", {})["token"]

    def pending_machine(self):
        """A machine that registered and was not approved."""
        key = Ed25519PrivateKey.generate()
        answer = self.post(f"/v1/bootstrap/{self.bootstrap_token()}/register", {
            "publicKey": base64.b64encode(raw_public_key(key)).decode(),
            "hostname": unique("host"),
        })
        return Machine(answer["machineId"], answer["machineName"], answer["vaultId"], answer["apiUrl"], key)

    def machine(self):
        """An approved machine that belongs to no project."""
        machine = self.pending_machine()
        self.act(machine.id, "approve")
        return machine

    def act(self, machine_id, action):
        """`approve`, `deny`, `enable`, `disable` or `revoke`."""
        self.post(f"/v1/manage/machines/{machine_id}/{action}")

    def attach(self, project_id, machine_id):
        self.post(f"/v1/manage/projects/{project_id}/machines", {"machineId": machine_id})

    def detach(self, project_id, machine_id):
        self.post(f"/v1/manage/projects/{project_id}/machines/{machine_id}/detach")

    def grant(self, project_id, machine_id, secret_ids):
        """Makes `secret_ids` the whole set that the machine may read in the project."""
        self.post(f"/v1/manage/projects/{project_id}/machines/{machine_id}/grants", {"secretIds": list(secret_ids)})

    def admit(self, machine, project_id, *secret_ids):
        """Puts the machine into the project and lets it read these secrets."""
        self.attach(project_id, machine.id)
        self.grant(project_id, machine.id, secret_ids)

    # Other ways in

    def enrollment_token(self, project_ids, secret_ids, **settings):
        """A new enrollment token: its id and its plaintext."""
        answer = self.post("/v1/manage/enrollment-tokens", {
            "name": unique("token"),
            "projectIds": list(project_ids),
            "secretIds": list(secret_ids),
            "tokenLifetimeSeconds": 3600,
            "machineLifetimeSeconds": 3600,
            "maxUses": 10,
            **settings,
        })
        return answer["id"], answer["token"]

    def bundle(self, project_id, *secret_ids, name=None):
        """A pre-provisioned bundle: the machine's id and the link to its ZIP."""
        body = {"projectId": project_id, "secretIds": list(secret_ids)}
        if name:
            body["name"] = name
        answer = self.post("/v1/manage/bundles", body)
        return answer["machineId"], answer["url"]


class Machine:
    """A registered machine, and the files that a client on it reads."""

    def __init__(self, machine_id, name, vault_id, api_url, key):
        self.id = machine_id
        self.name = name
        self.vault_id = vault_id
        self.api_url = api_url
        self.key = key

    def get(self, path):
        """A signed GET: status and body bytes."""
        timestamp, nonce = str(int(time.time())), uuid.uuid4().hex
        text = ":".join(("GET", path, timestamp, nonce, hashlib.sha256(b"").hexdigest()))
        signature = base64.b64encode(self.key.sign(text.encode())).decode()
        signed = {"X-Machine-Id": self.id, "X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": signature}
        status, _, raw = fetch("GET", self.api_url + path, headers=signed)
        return status, raw

    def write(self, home, **changes):
        """Writes identity.json and private.pem below `home` as a bootstrap script would; the path of the former.

        `changes` replaces keys of identity.json, to make a file that is wrong on purpose.
        """
        identity = {
            "machineId": self.id,
            "machineName": self.name,
            "vaultId": self.vault_id,
            "apiUrl": self.api_url,
            **changes,
        }
        folder = pathlib.Path(home) / "vaults" / identity["vaultId"]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key_path = folder / "private.pem"
        key_path.write_bytes(private_pem(self.key))
        key_path.chmod(0o600)
        identity.setdefault("privateKeyPath", str(key_path))
        path = folder / "identity.json"
        path.write_text(json.dumps(identity))
        path.chmod(0o600)
        return path


def private_pem(key):
    """Unencrypted PKCS#8, as `openssl genpkey` writes it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def raw_public_key(key):
    """The 32 bytes of an Ed25519 key's public half."""
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def unique(word):
    """A name that no other test uses."""
    return f"{word}-{uuid.uuid4().hex[:12]}"
