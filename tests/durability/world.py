"""A local server on a data folder, the person who owns it, and the requests that its machines sign."""

import base64
import collections
import contextlib
import hashlib
import json
import os
import queue
import secrets
import shlex
import signal
import subprocess
import threading
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import harness
from harness import fetch, raw_public_key, unique

# What a start that has to fail may take.
REFUSAL_TIMEOUT_SECONDS = 60
STORE = "store.sqlite"
KEY = "server.key"


def command(folder, port=0):
    """The server's command on a data folder."""
    return [*shlex.split(os.environ["SIKKERKEY_LOCAL"]), "--port", str(port), "--data", str(folder)]


def launch(folder, before=()):
    """The server's process, in a process group of its own; nobody waits until it is ready."""
    return subprocess.Popen(
        [*before, *command(folder)],
        cwd=harness.REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )


def kill(process):
    """`kill -9`, also for what the process has started: the server itself, if the command is a wrapper around it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


class Server(harness.Server):
    """The server on a data folder, ready."""

    def __init__(self, folder):
        # As in the class above, which knows no data folder.
        self._log = collections.deque(maxlen=60)
        self._ready = queue.Queue()
        self._process = launch(folder)
        for stream in (self._process.stdout, self._process.stderr):
            threading.Thread(target=self._drain, args=(stream,), daemon=True).start()
        try:
            self.url = self._await_ready(command(folder))
        except BaseException:
            self.kill()
            raise

    def end(self, how):
        """A signal to the process; its exit code. SIGKILL ends what it has started too."""
        if how == signal.SIGKILL:
            return kill(self._process)
        self._process.send_signal(how)
        try:
            return self._process.wait(harness.STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            kill(self._process)
            late = f"still there {harness.STOP_TIMEOUT_SECONDS} s after {how.name}"
            raise AssertionError(f"{late}; its last lines:\n{self.log()}") from None

    def kill(self):
        return kill(self._process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def start_in_vain(folder, port=0, user=None, more=()):
    """Exit code, standard output and error of a start that should fail. If it gets ready instead, it is killed."""
    who = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    with subprocess.Popen(
        [*command(folder, port), *more],
        cwd=harness.REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **who,
    ) as process:
        # One that says nothing and does not end is ended by this.
        watchdog = threading.Timer(REFUSAL_TIMEOUT_SECONDS, kill, [process])
        watchdog.start()
        try:
            first = process.stdout.readline()
            if first:
                kill(process)
            rest, problem = process.communicate()
        finally:
            watchdog.cancel()
            kill(process)
        return process.returncode, first + rest, problem


def refused(check, outcome, *words):
    """The start failed: exit code 1, nothing on standard output, and one line on standard error with these words."""
    code, out, err = outcome
    check.equal((code, out), (1, ""), f"exit code and standard output (standard error: {err[:300]!r})")
    check.equal(len(err.splitlines()), 1, f"lines on standard error, {err[:500]!r}")
    for word in words:
        check.that(str(word) in err, f"{err[:500]!r} does not say {str(word)!r}")


class Person(harness.Owner):
    """The owner, who keeps the session when the server starts again elsewhere."""

    def moved(self, server):
        self.url = server.url

    def projects(self):
        return {project["id"]: project for project in self.get("/v1/manage/projects")["projects"]}

    def secrets(self, project):
        return {secret["id"]: secret for secret in self.get(f"/v1/manage/projects/{project}/secrets")["secrets"]}

    def machines(self):
        return {machine["id"]: machine for machine in self.get("/v1/manage/machines")["machines"]}

    def granted(self, project, machine):
        return set(self.get(f"/v1/manage/projects/{project}/machines/{machine.id}/secrets")["secretIds"])

    def enrollment(self, token):
        return self.get(f"/v1/manage/enrollment-tokens/{token}")

    def records(self, known=()):
        """Audit records by id, newest first; only those of the newest pages up to one with an id that is known."""
        found, cursor = {}, None
        while True:
            page = self.post("/v1/manage/audit/query", {"pageSize": 200, **({"cursor": cursor} if cursor else {})})
            found.update((entry["id"], entry) for entry in page["entries"])
            cursor = page["nextCursor"]
            if cursor is None or any(entry["id"] in known for entry in page["entries"]):
                return {identity: entry for identity, entry in found.items() if identity not in known}

    def register(self, token, key, hostname):
        """Uses a bootstrap token: status and answer."""
        body = {"publicKey": base64.b64encode(raw_public_key(key)).decode(), "hostname": hostname}
        status, _, raw = fetch("POST", f"{self.url}/v1/bootstrap/{token}/register", body)
        return status, json.loads(raw)

    def enroll(self, token):
        """Uses an enrollment token: status and answer."""
        key = Ed25519PrivateKey.generate()
        body = {
            "token": token,
            "publicKey": base64.b64encode(raw_public_key(key)).decode(),
            "hostname": unique("runner"),
        }
        status, _, raw = fetch("POST", f"{self.url}/v1/{self.vault_id}/enroll/register", body)
        return status, json.loads(raw)


class Signed:
    """A signed request, which can be sent more than once."""

    def __init__(self, machine, path, method="GET"):
        timestamp, nonce = str(int(time.time())), base64.b64encode(secrets.token_bytes(16)).decode()
        text = ":".join((method, path, timestamp, nonce, hashlib.sha256(b"").hexdigest()))
        self.method, self.path = method, path
        self.headers = {
            "X-Machine-Id": machine.id,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": base64.b64encode(machine.key.sign(text.encode())).decode(),
        }

    def send(self, url):
        """Status and answer."""
        status, _, raw = fetch(self.method, url + self.path, headers=self.headers)
        return status, json.loads(raw)


def read(url, machine, secret):
    """A signed read: status and value, or status and error text."""
    status, answer = Signed(machine, f"/v1/secret/{secret}").send(url)
    return status, answer.get("value", answer.get("error"))


def export(url, machine):
    """A signed export of everything: status and values by id."""
    status, answer = Signed(machine, "/v1/secrets/export", "POST").send(url)
    return status, {secret["id"]: secret["value"] for secret in answer.get("secrets", ())}
