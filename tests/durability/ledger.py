"""What clients did and were told, so that it can be held against what the server knows after it was killed.

Everything is noted twice: before it is sent, and when it is acknowledged. After a kill what is acknowledged has to be
there, what was sent and not acknowledged may be there, whole, and nothing else.
"""

import collections
import contextlib
import threading

from harness import Refused

NOT_ANSWERED = "nothing"  # the status of harness.Refused then

# What of a record tells which act it is about, of what it tells.
SUBJECT = {
    "bootstrap_token_create": (),
    "machine_approve": ("machineId",),
    "machine_enroll": (),
    "machine_register": (),
    "machine_revoke": ("machineId",),
    "permission_grant": ("machineId", "projectId", "secretId"),
    "permission_revoke": ("machineId", "projectId", "secretId"),
    "project_freeze": ("projectId",),
    "project_unfreeze": ("projectId",),
    "secret_create": ("projectId",),
    "secret_read": ("machineId", "secretId"),
    "secret_read_denied": ("machineId", "secretId"),
    "secret_update": ("secretId",),
}


def subject(entry):
    """The act that an audit entry is about, in the form in which the ledger counts it."""
    action = entry["action"]
    return (action, *(entry[name] for name in SUBJECT[action])) if action in SUBJECT else None


class Gone(Exception):
    """The server went away before it had answered."""


class Secret:
    """One secret: the value of each version that is known, and the values sent of which nothing is known."""

    def __init__(self, identity, project):
        self.id = identity
        self.project = project
        self.versions = {}
        self.unknown = set()

    @property
    def newest(self):
        return max(self.versions, default=0)


class Token:
    """A bootstrap token and the machine it registers. `None` for a step that was sent, and not acknowledged."""

    def __init__(self, text, key, hostname):
        self.text = text
        self.key = key
        self.hostname = hostname
        self.id = None  # of the machine
        self.used = self.approved = self.revoked = False


class Toggle:
    """A switch that one client turns: on, off, or `None` if a turn was not acknowledged."""

    def __init__(self, on):
        self.on = on


class Ledger:
    """Shared by all clients of a server."""

    def __init__(self):
        self.changed = threading.Condition()
        self.sent = collections.Counter()
        self.acknowledged = collections.Counter()
        self.acknowledgements = 0
        self.cut = 0  # requests that were under way when the server went
        self.surprises = []

    @contextlib.contextmanager
    def act(self, *what):
        """Around one request whose record is `what`. Raises `Gone` if it was not answered."""
        with self.changed:
            self.sent[what] += 1
        try:
            yield
        except Refused as refusal:
            if refusal.status != NOT_ANSWERED:
                raise
            with self.changed:
                # Without a connection it was not sent at all.
                if isinstance(getattr(refusal.__cause__, "reason", None), ConnectionRefusedError):
                    self.sent[what] -= 1
                else:
                    self.cut += 1
            raise Gone from refusal
        with self.changed:
            self.acknowledged[what] += 1
            self.acknowledgements += 1
            self.changed.notify_all()

    def note(self, *what):
        """An act that was acknowledged, outside of `act`."""
        with self.changed:
            self.sent[what] += 1
            self.acknowledged[what] += 1

    def settle(self, records):
        """Takes the records as what happened, for all acts so far; what was wrong with them by then.

        From now on each counts as acknowledged, so that one that is lost later shows even if it was not answered.
        """
        recorded = collections.Counter(map(subject, records))
        problems = []
        for what in self.sent.keys() | recorded.keys() - {None}:
            least, most, found = self.acknowledged[what], self.sent[what], recorded[what]
            if not least <= found <= most:
                problems.append(f"{what}: sent {most}, acknowledged {least}, recorded {found}")
            self.sent[what] = self.acknowledged[what] = found
        return problems

    def surprise(self, what):
        with self.changed:
            self.surprises.append(what)
            self.changed.notify_all()
