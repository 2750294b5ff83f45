"""A vault with something of everything in it, which stays so while it is called at random."""

import base64
import json
import random
import sys
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "conformance"))
import harness  # noqa: E402

EVERY_SCOPE = [
    "aiagents.read", "aiagents.write", "alerts.read", "alerts.write", "audit.read", "enrollment.read",
    "enrollment.write", "ipallowlist.read", "ipallowlist.write", "machines.read", "machines.write",
    "projects.machines.read", "projects.machines.write", "projects.policies.read", "projects.policies.write",
    "projects.read", "projects.secrets.read", "projects.secrets.write", "projects.write", "support.write",
    "trash.read", "trash.write",
]

def public_key(key):
    """As it is registered."""
    return base64.b64encode(harness.raw_public_key(key)).decode()


class Owner(harness.Owner):
    """The owner, who also makes AI agents."""

    def sign_in(self):
        """Another session, which is the current one from here on."""
        self.post("/v1/account/sign-in", {"email": harness.EMAIL, "password": harness.PASSWORD})

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
        self.machine = owner.machine()
        self.agent_id, self.agent_key = owner.agent()
        self.renew()

    def renew(self):
        """Makes what is missing, and undoes what would keep the machine or everything else out."""
        owner = self.owner
        owner.post("/v1/manage/ipallowlist/disable")
        projects = owner.get("/v1/manage/projects")["projects"]
        for project in projects:
            if project["frozen"]:
                owner.unfreeze(project["id"])
        self.projects = [project["id"] for project in projects][-3:] or [owner.project()]
        self.names = {project["id"]: project["name"] for project in owner.get("/v1/manage/projects")["projects"]}
        self.secrets, self.members = {}, {}
        for project in self.projects:
            live = [row["id"] for row in owner.get(f"/v1/manage/projects/{project}/secrets")["secrets"]]
            while len(live) < 3:
                fields = ["USER", "PASSWORD"] if len(live) == 1 else None
                value = json.dumps(dict.fromkeys(fields, "hunter2hunter2")) if fields else "hunter2hunter2"
                live.append(owner.secret(project, value, field_names=fields))
            self.secrets[project] = live[:3]
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
            owner.grant(project, self.machine.id, self.secrets[project])
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
        sessions = owner.get("/v1/account/sessions")["sessions"]
        self.sessions = [row["id"] for row in sessions if not row["current"]][-3:]
        if not self.sessions:
            owner.sign_in()
            self.sessions = [row["id"] for row in sessions]

    def values(self, path):
        """What a field or parameter of a path's operation can be, by its name: things that belong together."""
        project = self.chance.choice(self.projects)
        machines = self.pending if path.endswith("machines/{machineId}/deny") else self.approved
        agents = self.pending_agents if path.endswith("/deny") else self.agents
        secrets = self.trashed if "/trash/" in path else self.secrets[project]
        return {
            "projectId": project,
            "secretId": self.chance.choice(secrets),
            "machineId": self.approved[0] if "/projects/" in path else self.chance.choice(machines),
            "agentId": self.chance.choice(agents),
            "tokenId": self.chance.choice(self.tokens),
            "entryId": self.chance.choice(self.entries),
            "x-vault-id": self.owner.vault_id,
            "vaultId": self.owner.vault_id,
            "sdkId": "python",
            "id": self.chance.choice(self.sessions),
            "token": self.token(path),
            "publicKey": public_key(harness.Ed25519PrivateKey.generate()),
            "hostname": harness.unique("host"),
            "cidr": f"198.51.100.{self.chance.randrange(256)}",
            "sourceCidr": "127.0.0.0/8",
            "confirmName": self.names[project],
            "email": f"{harness.unique('person')}@example.com" if path.endswith("sign-up") else harness.EMAIL,
            "password": harness.PASSWORD,
            "currentPassword": harness.PASSWORD,
            "newPassword": harness.PASSWORD,
        }

    def token(self, path):
        """A one-time token for a path that takes one."""
        if "bootstrap/{token}" in path:
            return self.owner.bootstrap_token()
        if "bundle/{token}" in path:
            return self.owner.bundle(self.projects[0])[1].rpartition("/")[2]
        if "ai-bootstrap" in path:
            return self.owner.agent_token()
        if "enroll/register" in path:
            return self.owner.enrollment_token(self.projects[:1], [])[1]
        return None
