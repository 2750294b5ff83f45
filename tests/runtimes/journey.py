"""The main jobs of a deployment from nothing, over HTTP: each function with a route takes part."""

import base64
import hashlib
import io
import json
import re
import secrets
import time
import urllib.request
import zipfile

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VALUE = "correct-horse-battery-staple"
# How long a mail may take: a function is invoked to send it, and nobody waits for that.
MAIL_SECONDS = 60
PERSON = {"email": "first@example.org", "username": "first", "password": "a long passw0rd!"}
# Of the first account, where it needs one.
SET_UP_CODE = "ABCDEFGHJKLMNPQRSTUV"
SET_UP_CODE_HASH = hashlib.sha256(SET_UP_CODE.encode()).hexdigest()


class Signer:
    """A machine or an AI agent that has registered."""

    def __init__(self):
        self.key = Ed25519PrivateKey.generate()
        self.id = None

    def public_key(self):
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    def signed(self, method, path, body=b""):
        """The headers of a request."""
        timestamp, nonce = str(int(time.time())), base64.b64encode(secrets.token_bytes(16)).decode()
        text = ":".join((method, path, timestamp, nonce, hashlib.sha256(body).hexdigest()))
        signature = base64.b64encode(self.key.sign(text.encode())).decode()
        return {"X-Machine-Id": self.id, "X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": signature}


class Journey:
    """`send` takes method, path, body and headers, and gives status, headers and body. Mail goes out at `emulator`."""

    def __init__(self, tally, send, emulator=None):
        self.tally = tally
        self.send = send
        self.emulator = emulator
        self.session = {"X-SikkerKey-Request": "1", "Content-Type": "application/json"}

    def expect(self, what, wanted, answer):
        """One check of a status; the answer's JSON, or an empty one."""
        status, headers, body = answer
        self.tally.check(what, status != wanted and f"status {status}: {body[:300].decode(errors='replace')}")
        return json.loads(body) if headers.get("content-type", "").startswith("application/json") else {}

    def manage(self, what, path, body=None, wanted=200):
        method = "GET" if body is None else "POST"
        data = b"" if body is None else json.dumps(body).encode()
        return self.expect(what, wanted, self.send(method, path, data, self.session))

    def signed(self, what, machine, method, path, body=None, wanted=200):
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **machine.signed(method, path, data)}
        return self.expect(what, wanted, self.send(method, path, data, headers))

    def equal(self, what, found, wanted):
        self.tally.check(what, found != wanted and f"{found!r}")

    def run(self):
        self.sign_up()
        self.mail()
        self.project = self.manage("a project is made", "/v1/manage/projects", {"name": "production"})["id"]
        path = f"/v1/manage/projects/{self.project}/secrets"
        self.secret = self.manage("a secret is stored", path, {"name": "api key", "value": VALUE})["id"]
        machine = self.bootstrap()
        self.read(machine)
        self.take_away(machine)
        self.enroll()
        self.bundle()
        self.agent()
        self.audit()

    def sign_up(self, code=SET_UP_CODE):
        body = json.dumps({**PERSON, "setUpCode": code}).encode()
        answer = self.send("POST", "/v1/account/sign-up", body, self.session)
        self.vault = self.expect("the first account is made", 200, answer).get("vaultId")
        self.session["Cookie"] = answer[1].get("set-cookie", "").partition(";")[0]
        self.manage("it is signed in", "/v1/account")

    def mail(self):
        token = self.mailed("/verify-email")
        self.manage("the address is verified by the mailed link", "/v1/account/verification/confirm", {"token": token})
        self.equal("the account knows", self.manage("it looks", "/v1/account").get("emailVerified"), True)
        self.manage("a new password is asked for", "/v1/account/recovery", {"email": PERSON["email"]})
        reset = {"token": self.mailed("/reset-password"), "newPassword": "an0ther long password"}
        self.manage("it is set by the mailed link", "/v1/account/recovery/confirm", reset)
        self.manage("which ended the session", "/v1/account", wanted=401)
        answer = self.send(
            "POST",
            "/v1/account/sign-in",
            json.dumps({"email": PERSON["email"], "password": reset["newPassword"]}).encode(),
            self.session,
        )
        self.expect("and signs in", 200, answer)
        self.session["Cookie"] = answer[1].get("set-cookie", "").partition(";")[0]
        begun = self.manage("a passkey is asked for", "/v1/account/passkeys/register", {"password": reset["newPassword"]})
        self.equal("for this site", begun.get("publicKey", {}).get("user", {}).get("name"), PERSON["email"])
        status, headers, page = self.send("GET", "/verify-email", b"", {})
        self.tally.check("the page of links is served", (status != 200 or b"<script>" not in page) and f"status {status}")

    def mailed(self, page):
        """The token in the mail whose link leads to this page, as soon as it is there."""
        end = time.monotonic() + MAIL_SECONDS
        while time.monotonic() < end:
            with urllib.request.urlopen(f"{self.emulator}/_ministack/ses/messages") as answer:
                found = re.findall(rf"{page}#([\w-]+)", answer.read().decode())
            if found:
                self.tally.check(f"the mail with a link to {page} is sent")
                return found[-1]
            time.sleep(0.1)
        self.tally.check(f"the mail with a link to {page} is sent", f"not after {MAIL_SECONDS} s")
        return ""

    def bootstrap(self):
        machine = Signer()
        token = self.manage("a bootstrap token is made", "/v1/manage/bootstrap-tokens", {})["token"]
        status, _, script = self.send("GET", f"/v1/bootstrap/{token}", b"", {})
        self.tally.check("its script is served", (status != 200 or not script.startswith(b"#!")) and f"status {status}")
        body = {"publicKey": machine.public_key(), "hostname": "web-1"}
        path = f"/v1/bootstrap/{token}/register"
        registered = self.send("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        machine.id = self.expect("a machine registers with it", 200, registered).get("machineId")
        path = f"/v1/secret/{self.secret}"
        self.signed("before anybody said yes it reads nothing", machine, "GET", path, wanted=403)
        self.manage("it is approved", f"/v1/manage/machines/{machine.id}/approve", {})
        members = f"/v1/manage/projects/{self.project}/machines"
        self.manage("it is added to the project", members, {"machineId": machine.id})
        self.manage("it is granted the secret", f"{members}/{machine.id}/grants", {"secretIds": [self.secret]})
        return machine

    def read(self, machine):
        path = f"/v1/secret/{self.secret}"
        headers = machine.signed("GET", path)
        value = self.expect("it reads the secret", 200, self.send("GET", path, b"", headers)).get("value")
        self.equal("the value is what was stored", value, VALUE)
        self.expect("the same request again is refused", 401, self.send("GET", path, b"", headers))
        exported = self.signed("it exports", machine, "POST", "/v1/secrets/export", {}).get("secrets", [])
        self.equal("the export has the value", [secret["value"] for secret in exported], [VALUE])
        listed = self.signed("it lists", machine, "GET", "/v1/secrets").get("secrets", [])
        self.equal("the list has the secret", [secret["id"] for secret in listed], [self.secret])
        new = {"value": f"{VALUE}-2"}
        self.manage("the value is replaced", f"/v1/manage/projects/{self.project}/secrets/{self.secret}/update", new)
        polled = self.signed("it polls", machine, "POST", "/v1/secrets/poll", {"watch": [self.secret]})
        self.equal("the poll tells of the change", polled.get("changes"), {self.secret: {"status": "changed"}})

    def take_away(self, machine):
        path = f"/v1/secret/{self.secret}"
        freeze = f"/v1/manage/projects/{self.project}"
        self.manage("the project is frozen", f"{freeze}/freeze", {"reason": "a look"})
        self.signed("a frozen project gives nothing", machine, "GET", path, wanted=423)
        self.manage("the project is unfrozen", f"{freeze}/unfreeze", {})
        self.manage("the machine is revoked", f"/v1/manage/machines/{machine.id}/revoke", {})
        self.signed("a revoked machine is nobody", machine, "GET", path, wanted=401)

    def enroll(self):
        machine = Signer()
        wanted = {"name": "ci", "projectIds": [self.project], "secretIds": [self.secret], "maxUses": 1}
        wanted |= {"tokenLifetimeSeconds": 3600, "machineLifetimeSeconds": 600}
        token = self.manage("an enrollment token is made", "/v1/manage/enrollment-tokens", wanted)["token"]
        body = json.dumps({"token": token, "publicKey": machine.public_key(), "hostname": "runner"}).encode()
        path = f"/v1/{self.vault}/enroll/register"
        headers = {"Content-Type": "application/json"}
        machine.id = self.expect("a machine enrolls", 200, self.send("POST", path, body, headers)).get("machineId")
        self.signed("it reads at once", machine, "GET", f"/v1/secret/{self.secret}")

    def bundle(self):
        wanted = {"projectId": self.project, "secretIds": [self.secret], "name": "image"}
        url = self.manage("a bundle is made", "/v1/manage/bundles", wanted)["url"]
        path = "/" + url.split("/", 3)[3]
        status, _, body = self.send("GET", path, b"", {})
        self.tally.check("it is downloaded", status != 200 and f"status {status}")
        names = zipfile.ZipFile(io.BytesIO(body)).namelist() if status == 200 else []
        self.equal("it holds an identity", any(name.endswith("identity.json") for name in names), True)
        self.expect("it is gone then", 410, self.send("GET", path, b"", {}))

    def agent(self):
        agent = Signer()
        scopes = ["projects.read", "projects.secrets.read", "projects.secrets.write", "projects.write", "audit.read"]
        wanted = {"name": "helper", "scopes": scopes, "projectIds": [self.project]}
        token = self.manage("an agent's bootstrap token is made", "/v1/manage/agent-bootstrap-tokens", wanted)["token"]
        body = json.dumps({"token": token, "publicKey": agent.public_key()}).encode()
        answer = self.send("POST", "/v1/ai-bootstrap/register", body, {"Content-Type": "application/json"})
        agent.id = self.expect("an agent registers with it", 200, answer).get("agentId")
        self.signed("before anybody said yes it is refused", agent, "GET", "/v1/ai/whoami", wanted=403)
        self.manage("it is approved", f"/v1/manage/ai-agents/{agent.id}/approve", {})
        self.equal("it is who it is", self.signed("it asks", agent, "GET", "/v1/ai/whoami").get("id"), agent.id)
        path = f"/v1/ai/projects/{self.project}/secrets/{self.secret}"
        rotated = self.signed("it rotates a secret", agent, "POST", f"{path}/rotate", {})
        self.equal("and is told the version", rotated, {"id": self.secret, "version": 3})
        self.signed("it rolls back", agent, "POST", f"{path}/rollback", {"version": 1})
        self.signed("it looks at the secret", agent, "GET", path)
        self.signed("it may not see machines", agent, "GET", "/v1/ai/machines", wanted=403)
        self.signed("on the plane of machines it is nobody", agent, "GET", f"/v1/secret/{self.secret}", wanted=401)
        log = self.signed("it reads the log", agent, "POST", "/v1/ai/audit/query", {"actions": ["secret_rotate"]})
        self.equal("with itself in it", [entry["aiAgentId"] for entry in log.get("entries", [])], [agent.id])
        path = f"/v1/ai/projects/{self.project}/delete"
        self.signed("it deletes the project", agent, "POST", path, {"confirmName": "production"})
        left = self.manage("the projects are listed", "/v1/manage/projects").get("projects")
        self.equal("nothing is left", left, [])

    def audit(self):
        entries = self.manage("the audit log is read", "/v1/manage/audit/query", {}).get("entries", [])
        actions = {entry["action"] for entry in entries}
        missing = {"account_create", "secret_create", "secret_read", "machine_revoke"} - actions
        self.tally.check("it has what happened", missing and f"not in it: {', '.join(sorted(missing))}")
