"""A vault with something of everything in it, which stays so while it is called at random.

How each operation is called, and by whom, is in cases.json, which the end-to-end suite's cases make.
"""

import base64
import json
import pathlib
import random
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "conformance"))
import harness  # noqa: E402

CASES = json.loads(pathlib.Path(__file__).with_name("cases.json").read_text())

EVERY_SCOPE = [
    "aiagents.read", "aiagents.write", "alerts.read", "alerts.write", "audit.read", "enrollment.read",
    "enrollment.write", "ipallowlist.read", "ipallowlist.write", "machines.read", "machines.write",
    "projects.machines.read", "projects.machines.write", "projects.policies.read", "projects.policies.write",
    "projects.read", "projects.secrets.read", "projects.secrets.write", "projects.write", "support.write",
    "trash.read", "trash.write",
]

# What is made only for a call that names it.
MADE_FOR_ONE = ("bootstrapToken", "bundleToken", "enrollment", "agentToken", "frozenProject", "shareToken",
                "resolvedTicket")
# Of an address and no name, so that nothing has to be found where there is no name server.
WEBHOOK_URL = "https://93.184.215.14/hooks"


def fields(body):
    """The fields of a template, each with the thing that it names, in lists too."""
    for name, value in body.items():
        if isinstance(value, dict):
            yield from fields(value)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and item.startswith("$"):
                yield name.removesuffix("s") if isinstance(value, list) else name, item[1:]


def public_key(key):
    """As it is registered."""
    return base64.b64encode(harness.raw_public_key(key)).decode()


class Owner(harness.Owner):
    """The owner, who also makes AI agents."""

    def sign_in(self):
        """Another session, which is the current one from here on."""
        self.post("/v1/account/sign-in", {"email": harness.EMAIL, "password": harness.PASSWORD})

    def stay_signed_in(self):
        """Another session if this one has ended: a call that ends sessions can take effect after its time was up."""
        try:
            self.get("/v1/account")
        except harness.Refused:
            self.sign_in()

    def agent_token(self):
        """A bootstrap token for an AI agent with every scope."""
        body = {"name": harness.unique("agent"), "scopes": EVERY_SCOPE}
        return self.post("/v1/manage/agent-bootstrap-tokens", body)["token"]

    def agent(self, approved=True):
        """An AI agent with every scope: its id and its key."""
        key = harness.Ed25519PrivateKey.generate()
        answer = self.post("/v1/ai-bootstrap/register", {"token": self.agent_token(), "publicKey": public_key(key)})
        if approved:
            self.post(f"/v1/manage/ai-agents/{answer['agentId']}/approve")
        return answer["agentId"], key


class Things:
    """What is in the vault. Who signs is not among it: those must stay as they are."""

    def __init__(self, owner):
        self.owner = owner
        self.chance = random.Random(1)
        self.passphrase = ""
        self.machine = owner.machine()
        self.agent_id, self.agent_key = owner.agent()
        self.renew()
        choice = self.chance.choice
        # What a thing of a case is here, given the project that a call is about.
        self.made = {
            "projectId": lambda project: project,
            "frozenProject": self.frozen,
            "secretId": lambda project: choice(self.secrets[project]),
            "boundSecret": lambda project: self.bound[project][0],
            "policyId": lambda project: self.policies[project],
            "boundPolicy": lambda project: self.bound[project][1],
            "scheduledSecret": lambda project: self.scheduled[project],
            "canaryId": lambda project: self.armed[project],
            "disarmedCanary": lambda project: self.disarmed[project],
            "trashedSecret": lambda _: choice(self.trashed),
            "machineId": lambda _: choice(self.approved),
            "member": lambda _: self.approved[0],
            "reader": lambda _: self.approved[0],
            "pendingMachine": lambda _: choice(self.pending),
            "disabledMachine": lambda _: choice(self.approved),
            "agentId": lambda _: choice(self.agents),
            "pendingAgent": lambda _: choice(self.pending_agents),
            "disabledAgent": lambda _: choice(self.agents),
            "tokenId": lambda _: choice(self.tokens),
            "entryId": lambda _: choice(self.entries),
            "webhookId": lambda _: self.webhook,
            "deliveryId": lambda _: self.delivery,
            "webhookUrl": lambda _: WEBHOOK_URL,
            "ticketId": lambda _: self.ticket,
            "resolvedTicket": self.resolved_ticket,
            "attachmentId": lambda _: self.attachment,
            "vaultId": lambda _: owner.vault_id,
            "sdkId": lambda _: "python",
            "session": lambda _: choice(self.sessions),
            "publicKey": lambda _: public_key(harness.Ed25519PrivateKey.generate()),
            "range": lambda _: f"198.51.{self.chance.randrange(256)}.{self.chance.randrange(256)}",
            "email": lambda _: harness.EMAIL,
            "newEmail": lambda _: f"{harness.unique('person')}@example.com",
            "password": lambda _: harness.PASSWORD,
            "newPassword": lambda _: harness.PASSWORD,
            "bootstrapToken": lambda _: owner.bootstrap_token(),
            "bundleToken": lambda project: owner.bundle(project)[1].rpartition("/")[2],
            "shareToken": self.share_link,
            "passphrase": lambda _: self.passphrase,
            "agentToken": lambda _: owner.agent_token(),
            "enrollment": lambda project: owner.enrollment_token([project], [])[1],
        }
        wanted = {thing for case in CASES.values() if not case["byHand"] for thing in case["instead"].values()}
        if unknown := wanted - self.made.keys():
            raise KeyError(f"tests/openapi/cases.json names things that things.py does not make: {', '.join(sorted(unknown))}")
        # What a case wants to be so before it is called.
        self.state = {
            "allowlistOn": lambda: owner.post("/v1/manage/ipallowlist/enable"),
            "noAlerts": lambda: owner.post("/v1/manage/alerts", {"enabledActions": []}),
            "roomForWebhooks": self.make_room_for_webhooks,
        }

    def make_room_for_webhooks(self):
        """There is a limit, and they are made at random."""
        webhooks = [row["id"] for row in self.owner.get("/v1/manage/webhooks")["webhooks"]]
        for webhook in webhooks[:-1] if len(webhooks) > 10 else []:
            self.owner.post(f"/v1/manage/webhooks/{webhook}/delete")

    def new_ticket(self):
        """A new ticket."""
        body = {"categoryId": "bug", "priority": "low", "title": "An export", "body": "It ends early."}
        return self.owner.post("/v1/manage/tickets", body)["id"]

    def resolved_ticket(self, _):
        """A ticket that can be rated."""
        ticket = self.new_ticket()
        self.owner.post(f"/v1/operator/tickets/{ticket}/status", {"status": "resolved"})
        return ticket

    def share_link(self, project):
        """The token of a new share link, whose passphrase is kept."""
        body = {"name": "db password", "expiresInSeconds": 86_400, "value": "hunter2hunter2"}
        made = self.owner.post(f"/v1/manage/projects/{project}/temporary-secrets", body)
        self.passphrase = made["passphrase"]
        return made["token"]

    def frozen(self, project):
        self.owner.post(f"/v1/manage/projects/{project}/freeze")
        return project

    def unbound_policy(self, project):
        """A policy that no secret is bound to."""
        path = f"/v1/manage/projects/{project}/policies"
        unbound = [row["id"] for row in self.owner.get(path)["policies"] if not row["boundCount"]]
        return unbound[-1] if unbound else self.owner.post(path, {"name": harness.unique("policy")})["id"]

    def binding(self, project):
        """A secret, and the policy that it is bound to."""
        policy, secret = self.unbound_policy(project), self.owner.secret(project, "hunter2hunter2")
        self.owner.post(f"/v1/manage/secrets/{secret}/binding", {"policyId": policy})
        return secret, policy

    def schedule(self, project):
        """A secret with a schedule."""
        found = self.owner.post("/v1/manage/dynamic-secrets/query", {"projectId": project})["dynamicSecrets"]
        here = [row["secretId"] for row in found]
        if here:
            return here[-1]
        secret = self.owner.secret(project, "hunter2hunter2")
        self.owner.post("/v1/manage/dynamic-secrets", {"secretId": secret, "intervalSeconds": 86_400})
        return secret

    def canary(self, project, enabled):
        """A canary that is armed or not."""
        path = f"/v1/manage/projects/{project}/canaries/query"
        found = [row["id"] for row in self.owner.post(path, {"enabled": enabled})["canaries"]]
        body = {"projectId": project, "name": harness.unique("canary"), "enabled": enabled}
        return found[-1] if found else self.owner.post("/v1/manage/canaries", body)["id"]

    def renew(self):
        """Makes what is missing, and undoes what would keep the machine or everything else out."""
        owner = self.owner
        owner.stay_signed_in()
        owner.post("/v1/manage/ipallowlist/disable")
        projects = owner.get("/v1/manage/projects")["projects"]
        for project in projects:
            if project["frozen"]:
                owner.unfreeze(project["id"])
        self.projects = [project["id"] for project in projects][-3:] or [owner.project()]
        self.names = {project["id"]: project["name"] for project in owner.get("/v1/manage/projects")["projects"]}
        self.secrets, self.members = {}, {}
        self.plain, self.policies, self.bound = {}, {}, {}
        self.scheduled, self.armed, self.disarmed = {}, {}, {}
        schedules = owner.post("/v1/manage/dynamic-secrets/query", {"limit": 200})["dynamicSecrets"]
        rotated = {row["secretId"] for row in schedules}
        for project in self.projects:
            rows = owner.get(f"/v1/manage/projects/{project}/secrets")["secrets"]
            # What a policy refuses is no thing to read, and neither is what freezes; what a schedule rotates takes no value.
            rows = [row for row in rows if row["type"] != "canary" and row["id"] not in rotated]
            live = [row["id"] for row in rows if not row["policyId"]]
            while len(live) < 3:
                fields = ["USER", "PASSWORD"] if len(live) == 1 else None
                value = json.dumps(dict.fromkeys(fields, "hunter2hunter2")) if fields else "hunter2hunter2"
                live.append(owner.secret(project, value, field_names=fields))
            self.secrets[project] = live[:3]
            plain = [row["id"] for row in rows if not row["fieldNames"] and not row["policyId"]]
            self.plain[project] = (plain or [owner.secret(project, "hunter2hunter2")])[0]
            bound = [(row["id"], row["policyId"]) for row in rows if row["policyId"]]
            self.bound[project] = bound[-1] if bound else self.binding(project)
            self.policies[project] = self.unbound_policy(project)
            self.scheduled[project] = self.schedule(project)
            self.armed[project] = self.canary(project, enabled=True)
            self.disarmed[project] = self.canary(project, enabled=False)
        machines = owner.get("/v1/manage/machines")["machines"]
        others = [row for row in machines if row["id"] != self.machine.id]
        self.approved = [row["id"] for row in others if row["approved"]][-3:]
        self.pending = [row["id"] for row in others if not row["approved"]][-3:]
        while len(self.approved) < 2:
            self.approved.append(owner.machine().id)
        while len(self.pending) < 2:
            self.pending.append(owner.pending_machine().id)
        for project in self.projects:
            for machine in [self.machine.id, self.approved[0]]:
                owner.attach(project, machine)
                owner.grant(project, machine, [*self.secrets[project], self.plain[project]])
        agents = [row for row in owner.get("/v1/manage/ai-agents")["agents"] if row["id"] != self.agent_id]
        self.agents = [row["id"] for row in agents if row["approved"]][-3:]
        self.pending_agents = [row["id"] for row in agents if not row["approved"]][-3:]
        while len(self.agents) < 2:
            self.agents.append(owner.agent()[0])
        while len(self.pending_agents) < 2:
            self.pending_agents.append(owner.agent(approved=False)[0])
        self.trashed = [row["id"] for row in owner.get("/v1/manage/trash")["secrets"]][:3]
        while len(self.trashed) < 2:
            secret = owner.secret(self.projects[0], "hunter2hunter2")
            owner.trash(self.projects[0], secret)
            self.trashed.append(secret)
        self.tokens = [row["id"] for row in owner.get("/v1/manage/enrollment-tokens")["tokens"]][-3:]
        if not self.tokens:
            self.tokens = [owner.enrollment_token(self.projects[:1], [])[0]]
        self.entries = [row["id"] for row in owner.get("/v1/manage/ipallowlist")["entries"]][-3:]
        if not self.entries:
            self.entries = [owner.post("/v1/manage/ipallowlist", {"cidr": "192.0.2.0/24"})["id"]]
        self.make_room_for_webhooks()
        webhooks = [row["id"] for row in owner.get("/v1/manage/webhooks")["webhooks"]]
        made = {"url": WEBHOOK_URL, "actions": ["canary_triggered"]}
        self.webhook = webhooks[-1] if webhooks else owner.post("/v1/manage/webhooks", made)["id"]
        self.delivery = owner.post(f"/v1/manage/webhooks/{self.webhook}/test")["deliveryId"]
        self.ticket = self.new_ticket()
        file = {"fileName": "log.txt", "contentType": "text/plain", "base64": "aGVsbG8="}
        self.attachment = owner.post(f"/v1/manage/tickets/{self.ticket}/attachments", file)["id"]
        sessions = owner.get("/v1/account/sessions")["sessions"]
        self.sessions = [row["id"] for row in sessions if not row["current"]][-3:]
        if not self.sessions:
            owner.sign_in()
            self.sessions = [row["id"] for row in sessions]

    def values(self, case):
        """What the fields and parameters of an operation can be, by their names: things that belong together."""
        instead = case["instead"]
        project = self.chance.choice(self.projects)
        values = {name: make(project) for name, make in self.made.items() if name not in MADE_FOR_ONE}
        values |= {name: self.made[thing](project) for name, thing in instead.items() if thing in self.made}
        values |= {"x-vault-id": self.owner.vault_id, "hostname": harness.unique("host"), "sourceCidr": "127.0.0.0/8"}
        values |= {"newName": harness.unique("name"), "projectName": self.names[project]}
        values["confirmName"] = values["projectName"]
        for name, thing in fields(case["body"]):
            if thing in self.made:
                values[name] = self.made[thing](project)
        return values

    def good(self, case):
        """The path and the body of a call that has to be answered with 200."""
        for thing in case["given"]:
            self.state.get(thing, lambda: None)()
        values = self.values(case)
        # Which takes any text for its value.
        if case["instead"].get("secretId", "secretId") == "secretId":
            values["secretId"] = self.plain[values["projectId"]]
        path = re.sub(r"\{(\w+)\}", lambda part: values[part[1]], case["path"])
        named = {name: case["instead"].get(name, name) for name in self.made}

        def filled(template):
            if isinstance(template, dict):
                return {name: filled(value) for name, value in template.items()}
            if isinstance(template, list):
                return [filled(value) for value in template]
            if not (isinstance(template, str) and template.startswith("$")):
                return template
            # Of the things that the path names too, the same.
            return values.get(template[1:]) or self.made[named[template[1:]]](self.projects[0])

        body = filled(case["body"])
        if "confirmName" in body:
            body["confirmName"] = values["confirmName"]
        # Names of projects and secrets are unique, and random calls have made many.
        if "name" in body:
            body["name"] = values["newName"]
        return path, body
