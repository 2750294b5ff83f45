"""The cases that the published Python SDK is put through, a file for each part of its surface.

`Case` gives every test class a server of its own and every test a home directory of its own. A server each, because
some things are wider than a test: the lockout counts failures per source address, the IP allowlist holds for the
whole vault.
"""

import os
import tempfile
import unittest
from unittest import mock

from sikkerkey import SikkerKey

from harness import Owner, Server

# Everything the SDK reads from the environment (machine-protocol 3.6): taken away before each test.
SDK_VARIABLES = (
    "SIKKERKEY_HOME",
    "SIKKERKEY_IDENTITY",
    "SIKKERKEY_VAULT",
    "SIKKERKEY_VAULT_ID",
    "SIKKERKEY_API_URL",
    "SIKKERKEY_ENROLLMENT_TOKEN",
    "HOSTNAME",
)


class Case(unittest.TestCase):
    """A test class with `self.owner`, signed in on a fresh server, and `self.home`, an empty SIKKERKEY_HOME."""

    # The SDK feature that the whole class is about, if a version that we run may lack it.
    needs = None

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.owner = Owner(cls.server)

    def setUp(self):
        self.home = self.folder()
        environment = mock.patch.dict(os.environ)
        environment.start()
        self.addCleanup(environment.stop)
        for variable in SDK_VARIABLES:
            os.environ.pop(variable, None)
        os.environ["SIKKERKEY_HOME"] = self.home

    def folder(self):
        """An empty directory that goes with the test."""
        folder = tempfile.TemporaryDirectory(prefix="sikkerkey-")
        self.addCleanup(folder.cleanup)
        return folder.name

    def client(self, machine, **changes):
        """The SDK bound to this machine, its identity in a home of its own."""
        return SikkerKey(str(machine.write(self.folder(), **changes)))

    def reader(self, value="a value"):
        """The ordinary case: a machine in a project with one secret that it may read."""
        project = self.owner.project()
        secret = self.owner.secret(project, value)
        machine = self.owner.machine()
        self.owner.admit(machine, project, secret)
        return machine, project, secret
