"""Kills at random moments while clients write and read. What was acknowledged is held against what is there later."""

import signal
import threading
import time
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from afterwards import Afterwards
from checks import Check
from harness import unique
from ledger import Gone, Ledger, Secret, Toggle, Token
from world import Person, Server, Signed, kill, launch

# Every so many kills one clean stop comes, under the same load.
KILLS_A_STOP = 7
# Acknowledgements after which a round ends, and what is waited on top, so that kills hit every stage of a request.
ACKNOWLEDGEMENTS = (1, 150)
AFTERWARDS_SECONDS = 0.02
# How often the start after that is killed too, and the time within which that happens.
START_KILLED, START_SECONDS = 0.3, 0.2
USES = 10_000


def run(tally, folder, random, kills):
    world = World(folder)
    stops = kills // KILLS_A_STOP
    order = [signal.SIGKILL] * kills + [signal.SIGTERM, signal.SIGINT] * stops
    order = order[: kills + stops]
    random.shuffle(order)
    try:
        for number, how in enumerate(order, 1):
            world.round(number, how, random)
            if world.lost:
                print(f"     stopped after round {number}: without the owner's session nothing more can be asked")
                break
        if not world.lost:
            world.final()
    finally:
        world.server.kill()
    print(f"     {number} rounds, {world.ledger.acknowledgements} acknowledged, {world.ledger.cut} cut off under way")
    for check in world.checks.values():
        tally.add(check)


class World(Afterwards):
    """The server over all its lives, the clients, and the checks."""

    def __init__(self, folder):
        self.folder = folder / "data"
        self.ledger = Ledger()
        self.checks = {}
        self.lost = False
        self.server = Server(self.folder)
        try:
            self.set_up()
        except BaseException:
            self.server.kill()
            raise

    def set_up(self):
        owner = self.owner = Person(self.server)
        self.project, self.frozen_project = owner.project(), owner.project()
        self.secrets = {}
        # Two writers write to this one, and others read it meanwhile.
        self.contested = self.made("contested")
        self.toggled = self.made("granted and not")
        self.iced = Secret(owner.secret(self.frozen_project, "in the freezer"), self.frozen_project)
        self.iced.versions[1] = "in the freezer"

        self.reader, self.inspector, self.grantee = owner.machine(), owner.machine(), owner.machine()
        owner.admit(self.reader, self.project, self.contested.id)
        owner.admit(self.reader, self.frozen_project, self.iced.id)
        owner.attach(self.project, self.inspector.id)
        owner.attach(self.project, self.grantee.id)
        self.grant, self.freeze = Toggle(False), Toggle(False)
        token = owner.enrollment_token([self.project], [self.contested.id], maxUses=USES)
        self.enrollment, self.enrollment_text = token

        self.inspected = set()  # what the inspector is granted
        self.creating = {}  # value by name
        self.tokens = []  # of this round
        self.old_tokens = []
        self.signed = []  # acknowledged in this round
        self.touched = set()
        self.seen = owner.records()
        self.ledger.settle(self.seen.values())

    def made(self, value):
        secret = Secret(self.owner.secret(self.project, value), self.project)
        secret.versions[1] = value
        self.secrets[secret.id] = secret
        return secret

    def check(self, title):
        return self.checks.setdefault(title, Check(title))

    # What clients do. Each is one step, repeated until the server is gone.

    def write(self, random):
        """Creates a secret, or updates one of those that are there, often the contested one."""
        owner, ledger = self.owner, self.ledger
        value = unique("value")
        kind = random.random()
        if kind < 0.25:
            name = unique("secret")
            with ledger.changed:
                self.creating[name] = value
            with ledger.act("secret_create", self.project):
                identity = owner.secret(self.project, value, name)
            with ledger.changed:
                del self.creating[name]
                secret = self.secrets[identity] = Secret(identity, self.project)
                secret.versions[1] = value
                self.touched.add(identity)
            return
        with ledger.changed:
            own = [secret for secret in self.secrets.values() if secret is not self.toggled]
            secret = self.contested if kind < 0.6 else random.choice(own)
            secret.unknown.add(value)
            self.touched.add(secret.id)
        with ledger.act("secret_update", secret.id):
            path = f"/v1/manage/projects/{secret.project}/secrets/{secret.id}/update"
            version = owner.post(path, {"value": value})["version"]
        with ledger.changed:
            secret.unknown.discard(value)
            if secret.versions.setdefault(version, value) != value:
                ledger.surprise(f"version {version} of {secret.id} was acknowledged twice")

    def read(self, machine, secret, *expected):
        """A signed read, which has to be answered with one of these statuses; status and answer."""
        request = Signed(machine, f"/v1/secret/{secret.id}")
        action = "secret_read" if 200 in expected else "secret_read_denied"
        with self.ledger.act(action, machine.id, secret.id):
            status, answer = request.send(self.server.url)
        with self.ledger.changed:
            self.signed.append(request)
        if status not in expected:
            self.ledger.surprise(f"a read that should be answered {expected} was answered {status}: {answer}")
        return answer.get("value")

    def read_contested(self, _):
        """Reads while others write: not older than what was acknowledged before."""
        secret = self.contested
        with self.ledger.changed:
            before = secret.newest
        value = self.read(self.reader, secret, 200)
        with self.ledger.changed:
            later = {known for version, known in secret.versions.items() if version >= before}
            if value not in later | secret.unknown:
                self.ledger.surprise(f"a read of {secret.id} gave a value older than version {before}")

    def turn_grant(self, _):
        on = not self.grant.on
        self.grant.on = None
        machine, secret = self.grantee, self.toggled
        with self.ledger.act("permission_grant" if on else "permission_revoke", machine.id, self.project, secret.id):
            self.owner.grant(self.project, machine.id, [secret.id] if on else [])
        self.grant.on = on
        self.read(machine, secret, 200 if on else 403)

    def turn_freeze(self, _):
        on = not self.freeze.on
        self.freeze.on = None
        with self.ledger.act("project_freeze" if on else "project_unfreeze", self.frozen_project):
            (self.owner.freeze if on else self.owner.unfreeze)(self.frozen_project)
        self.freeze.on = on
        self.read(self.reader, self.iced, 423 if on else 200)

    def bootstrap(self, random):
        """Makes a token, registers a machine with it, approves it, and often revokes it."""
        owner, ledger = self.owner, self.ledger
        with ledger.act("bootstrap_token_create"):
            text = owner.bootstrap_token()
        token = Token(text, Ed25519PrivateKey.generate(), unique("host"))
        with ledger.changed:
            self.tokens.append(token)
        if random.random() < 0.2:
            return
        token.used = None
        with ledger.act("machine_register"):
            status, answer = owner.register(text, token.key, token.hostname)
        if status != 200:
            ledger.surprise(f"a registration was answered {status}: {answer}")
            return
        token.used, token.id = True, answer["machineId"]
        if random.random() < 0.8:
            self.act_on(token, "approve", "approved")
            if random.random() < 0.5:
                self.act_on(token, "revoke", "revoked")

    def act_on(self, token, action, state):
        setattr(token, state, None)
        with self.ledger.act(f"machine_{action}", token.id):
            self.owner.act(token.id, action)
        setattr(token, state, True)

    def enroll(self, _):
        with self.ledger.act("machine_enroll"):
            status, answer = self.owner.enroll(self.enrollment_text)
        if status != 200:
            self.ledger.surprise(f"an enrollment was answered {status}: {answer}")

    def clients(self):
        return {
            "write 1": self.write,
            "write 2": self.write,
            "read": self.read_contested,
            "grant": self.turn_grant,
            "freeze": self.turn_freeze,
            "bootstrap": self.bootstrap,
            "enroll": self.enroll,
        }

    # One round

    def round(self, number, how, random):
        """Load, the server's end in the midst of it, a new start, and the checks."""
        self.where = f"round {number}, {how.name}: "
        self.load(how, random)
        if random.random() < START_KILLED:
            process = launch(self.folder)
            time.sleep(random.random() * START_SECONDS)
            kill(process)
            process.stdout.close()
            process.stderr.close()
        try:
            self.server = Server(self.folder)
        except RuntimeError as error:
            self.checked("starts again on the folder after each end").that(False, str(error))
            self.lost = True
            return
        self.checked("starts again on the folder after each end").cases += 1
        self.owner.moved(self.server)
        with self.checked("the session outlives each end") as check:
            self.lost = True
            check.equal(self.owner.get("/v1/account")["vaultId"], self.owner.vault_id, "vault")
            self.lost = False
        if not self.lost:
            self.look()

    def load(self, how, random):
        over, ledger = threading.Event(), self.ledger

        def client(step, own_random):
            try:
                # Until the server is gone: the end comes in the midst of it, whichever it is.
                while True:
                    step(own_random)
            except Gone:
                if not over.is_set():
                    ledger.surprise("the server went away by itself")
            except Exception as error:  # noqa: BLE001  any failure is a finding
                ledger.surprise(f"{type(error).__name__}: {error}")

        threads = [
            threading.Thread(target=client, args=(step, Random(random.random())), name=name)
            for name, step in self.clients().items()
        ]
        before = ledger.acknowledgements
        target = before + random.randint(*ACKNOWLEDGEMENTS)
        afterwards = random.random() * AFTERWARDS_SECONDS
        surprises = len(ledger.surprises)
        for thread in threads:
            thread.start()
        with ledger.changed:
            ledger.changed.wait_for(lambda: ledger.acknowledgements >= target or len(ledger.surprises) > surprises)
        # Not waiting for anything: this is the random moment.
        time.sleep(afterwards)
        over.set()
        code = self.server.end(how)
        if how != signal.SIGKILL:
            self.checked("a clean stop under load ends with exit code 0").equal(code, 0, "exit code")
        for thread in threads:
            thread.join()

        check = self.checked("while it ran, every answer was the expected one")
        check.cases += ledger.acknowledgements - before
        check.problems += [self.where + surprise for surprise in ledger.surprises]
        ledger.surprises.clear()

    def checked(self, title):
        check = self.check(title)
        check.where = self.where
        return check
