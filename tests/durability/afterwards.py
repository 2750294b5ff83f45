"""What has to be there after each end of the server: the checks of crashes.py."""

import signal

from ledger import Secret
from world import Server, Signed, export


class Afterwards:
    """The looks at a server that has started again. The class that has it has the server and what was acknowledged."""

    def look(self):
        # First the audit log, which the other checks write to.
        with self.checked("each acknowledged act has its audit record, and none has two") as check:
            self.look_at_records(check)
        machines = {}
        with self.checked("a bootstrap token is used or not as acknowledged; in flight, whole or not at all") as check:
            machines = self.owner.machines()
            self.look_at_tokens(check, machines)
        with self.checked("a machine's acknowledged approval or revocation holds") as check:
            self.look_at_machines(check, machines)
        with self.checked("uses of an enrollment token are those acknowledged, and as many as its machines") as check:
            self.look_at_enrollments(check)
        with self.checked("no signed request is taken twice: its nonce outlives the end") as check:
            for request in self.signed:
                check.equal(request.send(self.server.url)[0], 401, f"{request.path} again")
            self.signed.clear()
        listed = {}
        with self.checked("no acknowledged secret is missing, and none is there that nobody made") as check:
            listed = self.look_at_secrets(check)
        self.look_at_values(listed, self.touched)
        self.touched.clear()
        with self.checked("an acknowledged grant or its revocation holds") as check:
            granted = self.toggled.id in self.owner.granted(self.project, self.grantee)
            check.that(self.grant.on in (granted, None), f"granted: acknowledged {self.grant.on}, found {granted}")
            self.grant.on = granted
            self.expect_read(check, self.grantee, self.toggled, 200 if granted else 403)
        with self.checked("an acknowledged freeze or its end holds") as check:
            frozen = self.owner.projects()[self.frozen_project]["frozen"]
            check.that(self.freeze.on in (frozen, None), f"frozen: acknowledged {self.freeze.on}, found {frozen}")
            self.freeze.on = frozen
            self.expect_read(check, self.reader, self.iced, 423 if frozen else 200)

    def expect_read(self, check, machine, secret, status):
        """A read that is noted like those of clients; its value."""
        surprises = len(self.ledger.surprises)
        value = self.read(machine, secret, status)
        check.that(len(self.ledger.surprises) == surprises, "; ".join(self.ledger.surprises[surprises:]))
        del self.ledger.surprises[surprises:]
        return value

    def look_at_records(self, check):
        new = self.owner.records(known=self.seen)
        self.seen.update(new)
        check.cases += len(new)
        check.problems += [self.where + problem for problem in self.ledger.settle(self.seen.values())]

    def look_at_tokens(self, check, machines):
        hosts = {machine["name"]: machine["id"] for machine in machines.values()}
        for token in self.tokens:
            found = token.hostname in hosts
            gone = token.revoked is not False
            if token.used is not None and not gone:
                check.equal(found, token.used, f"a machine of token {token.hostname}")
            used = token.used if token.used is not None else found
            status, answer = self.owner.register(token.text, token.key, token.hostname)
            if status == 200:
                self.ledger.note("machine_register")
            check.equal(status, 401 if used else 200, f"registration by a token that is {'' if used else 'un'}used")
            token.id = token.id or hosts.get(token.hostname) or answer.get("machineId")
            token.used = True
        self.old_tokens += self.tokens

    def look_at_machines(self, check, machines):
        for token in self.tokens:
            machine = machines.get(token.id)
            if token.revoked is True:
                check.that(machine is None, f"{token.hostname} was revoked and is there")
            elif token.revoked is None and machine:
                # Cut off in the middle of it: it is shut out or not touched, and can be revoked again.
                self.act_on(token, "revoke", "revoked")
                check.cases += 1
            elif token.revoked is None:
                token.revoked = True
            elif token.approved is not None and machine:
                check.equal(machine["approved"], token.approved, f"{token.hostname}: approved")
            if token.revoked:
                status, _ = Signed(token, f"/v1/secret/{self.contested.id}").send(self.server.url)
                check.equal(status, 401, f"{token.hostname} was revoked; a signed read")
        self.tokens = []

    def look_at_enrollments(self, check):
        uses = self.owner.enrollment(self.enrollment)["uses"]
        machines = self.owner.machines().values()
        enrolled = sum(machine["enrollmentTokenId"] == self.enrollment for machine in machines)
        check.equal(enrolled, uses, "enrolled machines and counted uses")
        # The records were held against what was acknowledged, and are the count since.
        check.equal(uses, self.ledger.acknowledged["machine_enroll",], "counted uses and recorded ones")

    def look_at_secrets(self, check):
        listed = self.owner.secrets(self.project)
        for identity in self.secrets:
            check.that(identity in listed, f"{identity} is missing")
        for identity in listed.keys() - self.secrets.keys():
            value = self.creating.get(listed[identity]["name"])
            if check.that(value is not None, f"{identity} is there and nobody made it"):
                self.secrets[identity] = Secret(identity, self.project)
                self.secrets[identity].unknown.add(value)
                self.touched.add(identity)
        self.creating.clear()
        return listed

    def look_at_values(self, listed, identities):
        """Reads secrets and judges their versions and values."""
        versions = self.checked("versions go forward only, and by no more than was sent")
        values = self.checked("every value is that of the acknowledged version, or a later one that was sent")
        with values, versions:
            new = listed.keys() - self.inspected
            if new:
                self.owner.grant(self.project, self.inspector.id, sorted(listed))
                # One record for all, which names the secret only if it is one.
                only = next(iter(new)) if len(new) == 1 else None
                self.ledger.note("permission_grant", self.inspector.id, self.project, only)
                self.inspected |= new
            for identity in sorted(identities & listed.keys()):
                secret, version = self.secrets[identity], listed[identity]["version"]
                newest = secret.newest
                versions.that(
                    newest <= version <= newest + len(secret.unknown),
                    f"{identity}: acknowledged {newest}, in flight {len(secret.unknown)}, found {version}",
                )
                value = self.expect_read(values, self.inspector, secret, 200)
                self.judge_value(values, secret, version, value)

    @staticmethod
    def judge_value(check, secret, version, value):
        if version in secret.versions:
            check.equal(value, secret.versions[version], f"{secret.id}, version {version}, acknowledged")
        else:
            problem = f"{secret.id}, version {version}: not what was sent for a later version: {value!r}"
            check.that(value in secret.unknown, problem)
        # Seen now, so this is what it has to stay; the rest in flight was lost, or is an older version.
        secret.versions[version] = value
        secret.unknown.clear()

    def final(self):
        """Everything of all rounds once more, after a last kill without load."""
        self.where = "at the end: "
        self.server.end(signal.SIGKILL)
        self.server = Server(self.folder)
        self.owner.moved(self.server)
        with self.checked("at the end every secret of every round is there with its newest value") as check:
            status, values = export(self.server.url, self.inspector)
            check.equal(status, 200, "status of the export")
            check.equal(values.keys(), self.secrets.keys(), "what is exported")
            for identity, value in values.items():
                secret = self.secrets[identity]
                check.equal(value, secret.versions[secret.newest], identity)
        with self.checked("at the end every audit record of every round is there, unchanged") as check:
            records = self.owner.records()
            for identity, entry in self.seen.items():
                check.equal(records.get(identity), entry, f"record {identity}")
        with self.checked("at the end every used bootstrap token is used") as check:
            for token in self.old_tokens:
                check.equal(self.owner.register(token.text, token.key, token.hostname)[0], 401, token.hostname)
        with self.checked("kills met requests under way") as check:
            check.that(self.ledger.cut > 0, "no request was cut off: the kills proved nothing")
