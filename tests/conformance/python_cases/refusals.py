"""Which error class each refusal arrives as."""

import contextlib
import pathlib
import socket
import sqlite3
import tempfile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sikkerkey import (
    AccessDeniedError,
    ApiError,
    AuthenticationError,
    RateLimitedError,
    ServerSealedError,
    SikkerKeyError,
)

from harness import Owner, Server, private_pem
from python_cases import Case
from python_cases.reads import FROZEN, UNKNOWN_SECRET

LOCKOUT_AFTER_FAILURES = 10  # decisions 3
EVERY_401 = "Authentication failed"  # decisions 2

# Where a test's requests come from, and a range that they never come from (RFC 5737).
LOOPBACK = ("127.0.0.0/8", "::1/128")
ELSEWHERE = "192.0.2.0/24"


class Machines(Case):
    def refused(self, error, status, call, *arguments):
        """The call fails with exactly this class and status, and says something."""
        with self.assertRaises(SikkerKeyError) as caught:
            call(*arguments)
        self.assertIs(type(caught.exception), error)
        self.assertEqual(caught.exception.http_status, status)
        self.assertTrue(str(caught.exception))
        return str(caught.exception)

    def everywhere(self, error, status, client, project, secret):
        """Every signed operation fails in this way."""
        for call, *arguments in (
            (client.get_secret, secret),
            (client.list_secrets,),
            (client.list_secrets_by_project, project),
            (client.export,),
            (client.export, project),
        ):
            with self.subTest(call=call.__name__):
                self.refused(error, status, call, *arguments)

    def test_pending(self):
        project = self.owner.project()
        secret = self.owner.secret(project, "a value")
        machine = self.owner.pending_machine()
        client = self.client(machine)
        self.everywhere(AccessDeniedError, 403, client, project, secret)
        self.owner.act(machine.id, "approve")
        self.owner.admit(machine, project, secret)
        self.assertEqual(client.get_secret(secret), "a value")

    def test_disabled(self):
        machine, project, secret = self.reader("a value")
        client = self.client(machine)
        self.owner.act(machine.id, "disable")
        self.everywhere(AccessDeniedError, 403, client, project, secret)
        self.owner.act(machine.id, "enable")
        self.assertEqual(client.get_secret(secret), "a value")

    def test_denied(self):
        machine = self.owner.pending_machine()
        client = self.client(machine)
        self.owner.act(machine.id, "deny")
        self.assertIn(EVERY_401, self.refused(AuthenticationError, 401, client.list_secrets))

    def test_revoked(self):
        machine, _, secret = self.reader()
        client = self.client(machine)
        client.get_secret(secret)
        self.owner.act(machine.id, "revoke")
        # Not `everywhere`: with more than nine 401s this class would lock itself out.
        for call, *arguments in ((client.get_secret, secret), (client.list_secrets,), (client.export,)):
            with self.subTest(call=call.__name__):
                self.assertIn(EVERY_401, self.refused(AuthenticationError, 401, call, *arguments))

    def test_wrong_key(self):
        machine, _, secret = self.reader("a value")
        right = machine.key
        machine.key = Ed25519PrivateKey.generate()
        self.assertIn(EVERY_401, self.refused(AuthenticationError, 401, self.client(machine).get_secret, secret))
        machine.key = right
        self.assertEqual(self.client(machine).get_secret(secret), "a value")

    def test_unknown_machine(self):
        machine, _, secret = self.reader()
        stranger = self.client(machine, machineId="00000000-0000-4000-8000-000000000000")
        self.assertIn(EVERY_401, self.refused(AuthenticationError, 401, stranger.get_secret, secret))

    def test_no_grant(self):
        machine, project, secret = self.reader("a value")
        client = self.client(machine)
        other = self.owner.secret(project, "not granted")
        self.refused(AccessDeniedError, 403, client.get_secret, other)
        self.owner.grant(project, machine.id, [])
        self.refused(AccessDeniedError, 403, client.get_secret, secret)
        self.owner.grant(project, machine.id, [secret])
        self.assertEqual(client.get_secret(secret), "a value")

    def test_not_a_member(self):
        machine, _, _ = self.reader()
        elsewhere = self.owner.secret(self.owner.project(), "another project's")
        self.refused(AccessDeniedError, 403, self.client(machine).get_secret, elsewhere)

    def test_detached(self):
        machine, project, secret = self.reader("a value")
        client = self.client(machine)
        self.owner.detach(project, machine.id)
        self.refused(AccessDeniedError, 403, client.get_secret, secret)
        self.refused(AccessDeniedError, 403, client.export, project)
        self.assertEqual(client.list_secrets(), [])
        self.owner.attach(project, machine.id)
        self.refused(AccessDeniedError, 403, client.get_secret, secret)
        self.owner.grant(project, machine.id, [secret])
        self.assertEqual(client.get_secret(secret), "a value")

    def test_frozen(self):
        machine, project, secret = self.reader("a value")
        client = self.client(machine)
        self.owner.freeze(project)
        self.refused(ApiError, FROZEN, client.get_secret, secret)
        self.refused(ApiError, FROZEN, client.export, project)
        self.owner.unfreeze(project)
        self.assertEqual(client.get_secret(secret), "a value")

    def test_dead_port(self):
        machine, _, secret = self.reader()
        client = self.client(machine, apiUrl=f"http://localhost:{closed_port()}")
        self.refused(ApiError, 0, client.get_secret, secret)


class Sealed(Case):
    """On a store in a file, which another process can lock so that the server cannot write to it."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="sikkerkey-")
        cls.addClassCleanup(folder.cleanup)
        cls.data = pathlib.Path(folder.name)
        cls.server = Server(cls.data)
        cls.addClassCleanup(cls.server.stop)
        cls.owner = Owner(cls.server)

    def test_no_value_without_its_record(self):
        machine, _, secret = self.reader("a value")
        client = self.client(machine)
        self.assertEqual(client.get_secret(secret), "a value")
        with contextlib.closing(sqlite3.connect(self.data / "store.sqlite", isolation_level=None)) as store:
            store.execute("BEGIN IMMEDIATE")
            with self.assertRaises(ServerSealedError) as caught:
                client.get_secret(secret)
            self.assertEqual(caught.exception.http_status, 503)
            store.execute("ROLLBACK")
        self.assertEqual(client.get_secret(secret), "a value")


class Allowlist(Case):
    """One test that walks through the states: the switch is the whole vault's."""

    def test_only_addresses_on_the_list(self):
        machine, _, secret = self.reader("a value")
        client = self.client(machine)
        forger = self.client(machine, privateKeyPath=self.other_key())
        self.add(ELSEWHERE)
        self.assertEqual(client.get_secret(secret), "a value", "not switched on yet")

        self.switch("enable")
        for call, *arguments in ((client.get_secret, secret), (client.list_secrets,), (client.export,)):
            with self.subTest(call=call.__name__), self.assertRaises(AccessDeniedError) as caught:
                call(*arguments)
            self.assertIn("Access denied", str(caught.exception))
        with self.assertRaises(AccessDeniedError):
            forger.get_secret(secret)  # refused before anything looks at the signature

        for cidr in LOOPBACK:
            self.add(cidr)
        self.assertEqual(client.get_secret(secret), "a value")
        with self.assertRaises(AuthenticationError):
            forger.get_secret(secret)

        self.switch("disable")
        self.assertEqual(client.get_secret(secret), "a value")

    def add(self, cidr):
        self.owner.post("/v1/manage/ipallowlist", {"cidr": cidr})

    def switch(self, action):
        self.owner.post(f"/v1/manage/ipallowlist/{action}")

    def other_key(self):
        path = pathlib.Path(self.home, "other.pem")
        path.write_bytes(private_pem(Ed25519PrivateKey.generate()))
        return str(path)


class EmptyAllowlist(Case):
    def test_blocks_everyone(self):
        machine, _, secret = self.reader()
        self.owner.post("/v1/manage/ipallowlist/enable")
        with self.assertRaises(AccessDeniedError):
            self.client(machine).get_secret(secret)


class Lockout(Case):
    """On a server of its own, which locks out whoever guesses afterwards: the lock lasts 15 minutes."""

    def test_who_keeps_guessing_is_locked_out_and_nobody_else(self):
        machine, _, secret = self.reader()
        honest = self.client(machine)
        honest.get_secret(secret)
        machine.key = Ed25519PrivateKey.generate()
        forger = self.client(machine)
        for _ in range(LOCKOUT_AFTER_FAILURES):
            with self.assertRaises(AuthenticationError):
                forger.get_secret(secret)
        with self.assertRaises(RateLimitedError) as caught:
            forger.get_secret(secret)
        self.assertEqual(caught.exception.http_status, 429)
        honest.get_secret(secret)


def closed_port():
    """A port of this machine on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
