"""Webhooks as receivers see them. See `run`."""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import queue
import subprocess
import sys
import threading
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "conformance"))

import harness  # noqa: E402

# Deliveries and mails leave within seconds; a machine that is busy may take longer.
PATIENCE_SECONDS = 60


class Receiver:
    """Keeps what is POSTed to it, with the moment at which it came."""

    def __init__(self):
        came = self.came = queue.Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                came.put((time.monotonic(), dict(self.headers), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self):
        """When the next one came, its headers in lower case, and its body."""
        at, headers, body = self.came.get(timeout=PATIENCE_SECONDS)
        return at, {name.lower(): value for name, value in headers.items()}, body


class Tally:
    """Counts checks and prints each."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, right, why=""):
        if right:
            self.passed += 1
            print(f"ok {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED {name} {why}", flush=True)


def by_python(secret, headers, body):
    """The event's name; nothing of what the library refuses."""
    try:
        return Webhook(secret).verify(body, headers)["event"]
    except WebhookVerificationError:
        return None


def by_node(modules, asked):
    """The same of several."""
    done = subprocess.run(
        ["node", HERE / "verify.js"],
        input=json.dumps([dict(zip(("secret", "headers", "body"), each, strict=True)) for each in asked]),
        env={"NODE_PATH": str(modules / "node_modules"), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def by_the_public_key(owner, headers, body):
    """Whether the deployment signed it, as its published key says."""
    keys = owner.get("/v1/webhooks/keys")["keys"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    (signature,) = (part[4:] for part in headers["webhook-signature"].split() if part.startswith("v1a,"))
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys[0]["publicKey"].removeprefix("whpk_")))
    try:
        key.verify(base64.b64decode(signature), signed)
    except InvalidSignature:
        return False
    return True


def signatures(tally, owner, receiver, modules):
    """What the libraries make of a delivery, of one that was changed, and of one while its secret is rotated."""
    made = owner.post("/v1/manage/webhooks", {"url": receiver.url, "actions": ["project_create"]})
    secret = made["secret"]
    owner.project()
    _, headers, body = receiver.next()
    other = f"whsec_{base64.b64encode(bytes(32)).decode()}"
    old = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 600)}
    cases = {
        "a delivery": (secret, headers, body, "project_create"),
        "another body": (secret, headers, body.replace("project_create", "project_delete"), None),
        "another time": (secret, old, body, None),
        "another secret": (other, headers, body, None),
    }
    of_node = by_node(modules, [case[:3] for case in cases.values()])
    for (name, (with_secret, case_headers, case_body, expected)), node in zip(cases.items(), of_node, strict=True):
        tally.check(f"python: {name}", by_python(with_secret, case_headers, case_body) == expected)
        tally.check(f"node: {name}", node == expected, str(node))
    ours = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    tally.check("the published header signs the body", headers["x-sikkerkey-signature"] == ours)
    tally.check("the deployment's key signs it too", by_the_public_key(owner, headers, body))
    tally.check("and no other body", not by_the_public_key(owner, headers, body + " "))

    new = owner.post(f"/v1/manage/webhooks/{made['id']}/rotate-secret")["secret"]
    owner.project()
    _, headers, body = receiver.next()
    for name, with_secret in (("new", new), ("old", secret)):
        tally.check(f"python: the {name} secret while both sign", by_python(with_secret, headers, body) == "project_create")
    of_node = by_node(modules, [(new, headers, body), (secret, headers, body)])
    tally.check("node: both secrets", of_node == ["project_create"] * 2, str(of_node))
    owner.post(f"/v1/manage/webhooks/{made['id']}/delete")


def mails(owner, page):
    """The page of the outbox."""
    status, _, raw = harness.fetch("GET", page)
    if status != 200:
        raise harness.Refused("GET", page, status, "no outbox")
    return raw.decode()


def canary(tally, owner, receiver, outbox):
    """A canary is read: its project is frozen before the answer, and mail and webhook tell of it."""
    owner.post("/v1/account/verification")
    token = mails(owner, outbox).split("/verify-email#")[1][:43]
    owner.post("/v1/account/verification/confirm", {"token": token})
    owner.post("/v1/manage/alerts", {"enabledActions": ["canary_triggered"]})
    owner.post("/v1/manage/webhooks", {"url": receiver.url, "actions": ["canary_triggered", "project_freeze"]})
    project, machine = owner.project(), owner.machine()
    secret = owner.post("/v1/manage/canaries", {"projectId": project, "name": "root key"})["id"]
    owner.admit(machine, project, secret)

    begun = time.monotonic()
    status, raw = machine.get(f"/v1/secret/{secret}")
    answered = time.monotonic()
    tally.check("the read is answered with the value", status == 200 and len(json.loads(raw)["value"]) == 64)
    status, _ = machine.get(f"/v1/secret/{secret}")
    tally.check("the project is frozen", status == 423, str(status))
    told = {}
    while len(told) < 2:
        at, headers, body = receiver.next()
        told[headers["x-sikkerkey-event"]] = at
    tally.check("the webhook is told of both", set(told) == {"canary_triggered", "project_freeze"}, str(set(told)))
    while "SikkerKey: Canary Triggered (critical)" not in (page := mails(owner, outbox)):
        if time.monotonic() - begun > PATIENCE_SECONDS:
            break
    mailed = time.monotonic()
    tally.check("the mail says what to do", "key for stolen" in page)
    for what, at in (("answer", answered), ("webhook", told["canary_triggered"]), ("mail", mailed)):
        print(f"-- {what} {(at - begun) * 1000:.0f} ms after the read began")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--modules", type=pathlib.Path, required=True)
    modules = parser.parse_args().modules.resolve()
    tally, receiver = Tally(), Receiver()
    server = harness.Server(options=["--allow-loopback-webhooks"])
    try:
        owner = harness.Owner(server)
        signatures(tally, owner, receiver, modules)
        canary(tally, owner, receiver, server.told("mails"))
    except BaseException:
        print(server.log(), file=sys.stderr)
        raise
    finally:
        server.stop()
        receiver.server.shutdown()
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
