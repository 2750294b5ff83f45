"""Clean stops; one process to a folder; the key file."""

import os
import shutil
import signal
import stat

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness import Refused, fetch, unique
from world import KEY, STORE, Person, Server, Signed, export, read, refused, start_in_vain

PASSWORD = "correct-horse-battery-9"  # that of harness.Owner
EMAIL = "owner@example.com"
LOCKOUT_AFTER_FAILURES = 10  # decisions 3
FIELDS = '{"host":"db.internal","password":"p1"}'
# Fields that follow the audit log by moments: a stop may come before them or after.
FOLLOWING = {"lastAccessedAt"}


def settled(shown):
    """What the management plane shows, without the fields that follow later."""
    if isinstance(shown, dict):
        return {name: settled(value) for name, value in shown.items() if name not in FOLLOWING}
    return [settled(value) for value in shown] if isinstance(shown, list) else shown


def run(tally, folder, _, __):
    stops(tally, folder / "stops")
    lockout(tally, folder / "lockout")
    key_file(tally, folder / "key")
    lost_key(tally, folder / "lost-key")


# Clean stops


class Inhabited:
    """A server with something of everything in it."""

    def __init__(self, server):
        owner = self.owner = Person(server)
        self.project, self.frozen = owner.project(), owner.project()
        self.plain = owner.secret(self.project, "version 1")
        for version in (2, 3):
            owner.update(self.project, self.plain, f"version {version}")
        self.structured = owner.secret(self.project, FIELDS, field_names=["host", "password"])
        self.hidden = owner.secret(self.project, "not granted")
        self.trashed = owner.secret(self.project, "in the trash")
        self.iced = owner.secret(self.frozen, "frozen")

        self.reader = owner.machine()
        owner.admit(self.reader, self.project, self.plain, self.structured, self.trashed)
        owner.admit(self.reader, self.frozen, self.iced)
        owner.trash(self.project, self.trashed)
        owner.post(f"/v1/manage/projects/{self.frozen}/freeze", {"reason": "an incident"})
        self.pending = owner.pending_machine()
        self.disabled, self.revoked, self.detached = owner.machine(), owner.machine(), owner.machine()
        for machine in (self.disabled, self.revoked, self.detached):
            owner.admit(machine, self.project, self.plain)
        owner.act(self.disabled.id, "disable")
        owner.act(self.revoked.id, "revoke")
        owner.detach(self.project, self.detached.id)

        # One use before the first stop, one after it, one after the second.
        self.enrollment, self.enrollment_text = owner.enrollment_token([self.project], [self.plain], maxUses=3)
        owner.enroll(self.enrollment_text)
        self.revoked_enrollment, self.revoked_text = owner.enrollment_token([self.project], [])
        owner.post(f"/v1/manage/enrollment-tokens/{self.revoked_enrollment}/revoke", {"reason": "leaked"})
        self.bundles = [self.bundle() for _ in range(3)]
        self.tokens = [owner.bootstrap_token() for _ in range(3)]
        owner.post("/v1/manage/ipallowlist", {"cidr": "192.0.2.0/24", "label": "elsewhere"})
        self.use_one_of_each()

    def bundle(self):
        """The path of a bundle's download, which stays the same when the server's port does not."""
        _, url = self.owner.bundle(self.project, self.plain)
        return "/" + url.split("/", 3)[3]

    def use_one_of_each(self):
        """Uses up one bundle and one bootstrap token: statuses."""
        return self.download(self.bundles.pop()), self.bootstrap(self.tokens.pop())

    def download(self, bundle):
        self.used_bundle = bundle
        return fetch("GET", self.owner.url + bundle)[0]

    def bootstrap(self, token):
        self.used_token = token
        return self.owner.register(token, Ed25519PrivateKey.generate(), unique("host"))[0]

    def seen(self):
        """Everything that the management plane shows and that does not follow later."""
        owner = self.owner
        machines = owner.machines()
        projects = owner.projects()
        shown = {
            "the account": owner.get("/v1/account"),
            "projects and freezes": projects,
            "secrets and their versions": {project: owner.secrets(project) for project in projects},
            "machines, their states and memberships": {
                machine: owner.get(f"/v1/manage/machines/{machine}") for machine in machines
            },
            "grants": {
                (project, machine.id): sorted(owner.granted(project, machine))
                for project in projects
                for machine in (self.reader, self.disabled, self.detached)
            },
            "enrollment tokens and their uses": owner.get("/v1/manage/enrollment-tokens"),
            "the IP allowlist": owner.get("/v1/manage/ipallowlist"),
            "the audit log": owner.records(),
        }
        return settled(shown)


def stops(tally, folder):
    server = Server(folder)
    try:
        world = Inhabited(server)
        owner = world.owner
        for uses, how in ((1, signal.SIGTERM), (2, signal.SIGINT)):
            name = how.name
            old = Signed(world.reader, f"/v1/secret/{world.plain}")
            statuses_before = old.send(server.url)[0], old.send(server.url)[0]
            before = world.seen()
            with tally.check(f"{name}: ends with exit code 0") as check:
                check.equal(server.end(how), 0, "exit code")
            server = Server(folder)
            owner.moved(server)
            with tally.check(f"{name}: the session's cookie is still good") as check:
                check.equal(owner.get("/v1/account")["vaultId"], owner.vault_id, "vault")
            after = world.seen()
            for what in before:
                with tally.check(f"{name}: {what} as before") as check:
                    check.equal(after[what], before[what], what)
            with tally.check(f"{name}: what is acknowledged was worth comparing") as check:
                check.equal(before["projects and freezes"][world.frozen]["freezeReason"], "an incident", "freeze")
                check.equal(before["secrets and their versions"][world.project][world.plain]["version"], 3, "version")
                check.equal(owner.enrollment(world.enrollment)["uses"], uses, "uses of the enrollment token")
                check.that(len(before["the audit log"]) > 20, "the audit log is short")
            reads(tally, name, server.url, world)
            with tally.check(f"{name}: a signed request from before is refused as a replay") as check:
                check.equal(statuses_before, (200, 401), "sent twice before")
                check.equal(old.send(server.url)[0], 401, "sent again after")
            one_time_things(tally, name, world, last=uses == 2)
        with tally.check("the password still signs in, and a session that was ended stays ended") as check:
            owner.post("/v1/account/sign-out")
            server.end(signal.SIGTERM)
            server = Server(folder)
            owner.moved(server)
            ended = None
            try:
                owner.get("/v1/account")
            except Refused as refusal:
                ended = refusal.status
            check.equal(ended, 401, "with the ended session")
            owner.post("/v1/account/sign-in", {"email": EMAIL, "password": PASSWORD})
            check.equal(owner.get("/v1/account")["vaultId"], owner.vault_id, "vault")
    finally:
        server.kill()


def reads(tally, name, url, world):
    with tally.check(f"{name}: granted values read as before") as check:
        check.equal(read(url, world.reader, world.plain), (200, "version 3"), "plain")
        check.equal(read(url, world.reader, world.structured), (200, FIELDS), "structured")
        expected = {world.plain: "version 3", world.structured: FIELDS}
        check.equal(export(url, world.reader), (200, expected), "export")
    with tally.check(f"{name}: everything that was refused is refused") as check:
        for machine, secret, status in (
            ("reader", "hidden", 403),
            ("reader", "trashed", 404),
            ("reader", "iced", 423),
            ("pending", "plain", 403),
            ("disabled", "plain", 403),
            ("detached", "plain", 403),
            ("revoked", "plain", 401),
        ):
            found, _ = read(url, getattr(world, machine), getattr(world, secret))
            check.equal(found, status, f"{machine} reads {secret}")


def one_time_things(tally, name, world, last):
    owner = world.owner
    with tally.check(f"{name}: bundles and bootstrap tokens: used ones are used, others work once") as check:
        check.equal(world.download(world.used_bundle), 410, "a used bundle")
        check.equal(world.bootstrap(world.used_token), 401, "a used bootstrap token")
        check.equal(world.use_one_of_each(), (200, 200), "unused ones")
        check.equal(world.download(world.used_bundle), 410, "the same bundle again")
        check.equal(world.bootstrap(world.used_token), 401, "the same bootstrap token again")
    with tally.check(f"{name}: enrollment tokens go on counting where they were") as check:
        check.equal(owner.enroll(world.enrollment_text)[0], 200, "a use that is left")
        check.equal(owner.enroll(world.revoked_text)[0], 401, "a revoked token")
        if last:
            check.equal(owner.enroll(world.enrollment_text)[0], 409, "one use too many")
            check.equal(owner.enrollment(world.enrollment)["uses"], 3, "uses")


def lockout(tally, folder):
    """With the lockout as it is by default, which the suite otherwise turns off."""
    settings = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("SIKKERKEY_LOCKOUT_")}
    try:
        with tally.check("an address that is locked out stays so over a restart") as check:
            with Server(folder) as server:
                owner = Person(server)
                key = Ed25519PrivateKey.generate()
                guesses = range(LOCKOUT_AFTER_FAILURES + 1)
                statuses = [owner.register(f"{guess:064x}", key, "guess")[0] for guess in guesses]
                check.equal(statuses, [401] * LOCKOUT_AFTER_FAILURES + [429], "statuses of guessed tokens")
                server.end(signal.SIGTERM)
            with Server(folder) as server:
                owner.moved(server)
                check.equal(owner.register(f"{0:064x}", key, "guess")[0], 429, "status after the restart")
    finally:
        os.environ.update(settings)


# The key file


def key_file(tally, folder):
    key = folder / KEY
    with Server(folder) as server:
        owner = Person(server)
        with tally.check("a second process on the folder is refused, the first goes on") as check:
            refused(check, start_in_vain(folder), folder, "in use")
            check.equal(owner.get("/v1/account")["vaultId"], owner.vault_id, "the first one's answer")
        with tally.check("the key file belongs to its owner alone") as check:
            check.equal(oct(stat.S_IMODE(key.stat().st_mode)), "0o600", "mode")
            check.equal(oct(stat.S_IMODE(folder.stat().st_mode)), "0o700", "mode of the folder")
        server.end(signal.SIGTERM)
    for mode in (0o644, 0o640, 0o604):
        with tally.check(f"a key file of mode {mode:o} is refused, and the text says what to do") as check:
            key.chmod(mode)
            refused(check, start_in_vain(folder), key, "chmod 600")
    key.chmod(0o600)
    with tally.check("with its mode repaired it is taken again") as check, Server(folder) as server:
        owner.moved(server)
        check.equal(owner.get("/v1/account")["vaultId"], owner.vault_id, "vault")
        server.end(signal.SIGTERM)
    whole = key.read_bytes()
    for content in (b"", whole[:31], whole + b"\n"):
        with tally.check(f"a key file of {len(content)} bytes next to a store is refused and not replaced") as check:
            key.write_bytes(content)
            refused(check, start_in_vain(folder), key)
            check.equal(key.read_bytes() == content, True, "the file is as it was")
    key.write_bytes(whole)
    with tally.check("with its content restored it is taken again") as check, Server(folder) as server:
        owner.moved(server)
        check.equal(owner.get("/v1/account")["vaultId"], owner.vault_id, "vault")


def lost_key(tally, folder):
    """The key file is gone and comes back later. The server may refuse to start; if it starts, it may lose nothing."""
    key, aside = folder / KEY, folder.with_name("server.key.aside")
    with Server(folder) as server:
        world = Inhabited(server)
        owner = world.owner
        server.end(signal.SIGTERM)
    shutil.move(key, aside)
    before = (folder / STORE).stat().st_size

    code, out, _ = outcome = start_in_vain(folder)
    if not out:
        with tally.check("without its key file a store is refused, and no other key is made") as check:
            refused(check, outcome, key)
            check.that(not key.exists(), "a key file was made")
            check.that((folder / STORE).stat().st_size >= before, "the store is smaller")
        later = None
    else:
        with Server(folder) as server:
            owner.moved(server)
            later = without_key(tally, server.url, world)
            server.end(signal.SIGTERM)
    shutil.move(aside, key)
    with Server(folder) as server:
        owner.moved(server)
        with tally.check("when the key file is back, everything reads as before") as check:
            check.equal(read(server.url, world.reader, world.plain), (200, "version 3"), "plain")
            expected = {world.plain: "version 3", world.structured: FIELDS}
            check.equal(export(server.url, world.reader), (200, expected), "export")
            check.equal(world.download(world.bundles[0]), 200, "a bundle that waits")
            owner.update(world.project, world.plain, "version 4")
            check.equal(read(server.url, world.reader, world.plain), (200, "version 4"), "after an update")
        if later:
            machine, secret = later
            with tally.check("when the key file is back, what was acknowledged without it is not lost") as check:
                check.equal(read(server.url, machine, secret), (200, "made without the key"), "its value")


def without_key(tally, url, world):
    """The server runs with another key. Returns a secret that it acknowledged and who may read it, if it did."""
    owner = world.owner
    with tally.check("with another key reads fail with 5xx, and no value is given out") as check:
        for secret in (world.plain, world.structured):
            status, answer = read(url, world.reader, secret)
            check.that(500 <= status < 600, f"a read was answered {status}: {answer!r:.100}")
        status, values = export(url, world.reader)
        check.that(500 <= status < 600 and not values, f"an export was answered {status}: {values}")
    with tally.check("with another key nothing can be written into an old project, and no bundle is used up") as check:
        for path, body in (
            (f"/v1/manage/projects/{world.project}/secrets", {"name": unique("secret"), "value": "x"}),
            (f"/v1/manage/projects/{world.project}/secrets/{world.plain}/update", {"value": "x"}),
        ):
            status = 200
            try:
                owner.post(path, body)
            except Refused as refusal:
                status = refusal.status
            check.that(500 <= status < 600, f"{path} was answered {status}")
        status = world.download(world.bundles[0])
        check.that(500 <= status < 600, f"the download of a bundle was answered {status}")
    try:
        project, machine = owner.project(), owner.machine()
        secret = owner.secret(project, "made without the key")
        owner.admit(machine, project, secret)
        return machine, secret
    except Refused:
        return None
