"""The SDK's watch: it polls in a thread of its own and calls back. Each test waits for the callback, never for time."""

import json
import queue

from sikkerkey import WatchStatus

from python_cases import Case
from python_cases.reads import UNKNOWN_SECRET

POLL_SECONDS = 10  # the least that the SDK takes
# An event comes with the next poll; the rest is for a poll or a read that the SDK had to repeat.
EVENT_TIMEOUT_SECONDS = 60


class Events:
    """A callback that keeps what it is called with."""

    def __init__(self):
        self._queue = queue.Queue()

    def __call__(self, event):
        self._queue.put(event)

    def next(self):
        try:
            return self._queue.get(timeout=EVENT_TIMEOUT_SECONDS)
        except queue.Empty:
            raise AssertionError(f"no event within {EVENT_TIMEOUT_SECONDS} s") from None

    def empty(self):
        return self._queue.empty()


class Watch(Case):
    def setUp(self):
        super().setUp()
        self.project = self.owner.project()
        self.machine = self.owner.machine()
        self.owner.attach(self.project, self.machine.id)
        self.sdk = self.client(self.machine)
        self.sdk.set_poll_interval(POLL_SECONDS)
        self.addCleanup(self.sdk.close)
        self.granted = []

    def secret(self, value="before", field_names=None, read=True):
        """A granted secret. Read once, so that the server knows which version this machine has."""
        secret = self.owner.secret(self.project, value, field_names=field_names)
        self.granted.append(secret)
        self.owner.grant(self.project, self.machine.id, self.granted)
        if read:
            self.sdk.get_secret(secret)
        return secret

    def watch(self, secret):
        events = Events()
        self.sdk.watch(secret, events)
        return events

    def expect(self, events, secret, status):
        event = events.next()
        self.assertEqual(event.secret_id, secret)
        self.assertEqual(event.status, status)
        self.assertIsNone(event.error)
        return event

    def test_everything_that_can_happen_while_watching(self):
        plain = self.secret()
        structured = self.secret(json.dumps({"user": "a", "pass": "1"}), ["user", "pass"])
        trashed, ungranted = self.secret(), self.secret()
        events = {secret: self.watch(secret) for secret in (plain, structured, trashed, ungranted)}

        self.owner.update(self.project, plain, "after")
        self.owner.update(self.project, structured, json.dumps({"user": "a", "pass": "2"}))
        self.owner.grant(self.project, self.machine.id, [plain, structured, trashed])
        self.owner.trash(self.project, trashed)

        changed = self.expect(events[plain], plain, WatchStatus.CHANGED)
        self.assertEqual(changed.value, "after")
        changed = self.expect(events[structured], structured, WatchStatus.CHANGED)
        self.assertEqual(json.loads(changed.value), {"user": "a", "pass": "2"})
        self.assertEqual(changed.fields, {"user": "a", "pass": "2"})
        self.expect(events[trashed], trashed, WatchStatus.DELETED)
        self.expect(events[ungranted], ungranted, WatchStatus.ACCESS_DENIED)

    def test_one_change_after_another(self):
        secret = self.secret()
        events = self.watch(secret)
        for value in ("second", "third"):
            self.owner.update(self.project, secret, value)
            self.assertEqual(self.expect(events, secret, WatchStatus.CHANGED).value, value)

    def test_a_change_since_the_last_read_is_told_at_once(self):
        secret = self.secret()
        self.owner.update(self.project, secret, "after")
        self.assertEqual(self.expect(self.watch(secret), secret, WatchStatus.CHANGED).value, "after")

    def test_an_export_counts_as_a_read(self):
        seen, unseen = self.secret(read=False), self.secret(read=False)
        self.sdk.export()
        self.owner.update(self.project, seen, "after")
        self.sdk.export()
        self.owner.update(self.project, unseen, "after")
        seen_events, unseen_events = self.watch(seen), self.watch(unseen)
        self.assertEqual(self.expect(unseen_events, unseen, WatchStatus.CHANGED).value, "after")
        self.assertTrue(seen_events.empty(), "the export had delivered this change")

    def test_the_start_of_a_watch_is_not_a_change(self):
        quiet, loud = self.secret(read=False), self.secret()
        self.owner.update(self.project, loud, "after")
        quiet_events, loud_events = self.watch(quiet), self.watch(loud)
        self.expect(loud_events, loud, WatchStatus.CHANGED)
        self.assertTrue(quiet_events.empty(), "never read and never changed")

    def test_detached(self):
        secret = self.secret()
        self.owner.detach(self.project, self.machine.id)
        self.expect(self.watch(secret), secret, WatchStatus.ACCESS_DENIED)

    def test_unknown_secret(self):
        self.expect(self.watch(UNKNOWN_SECRET), UNKNOWN_SECRET, WatchStatus.DELETED)

    def test_a_frozen_project_is_told_about_only_afterwards(self):
        secret = self.secret()
        other_project = self.owner.project()
        other = self.owner.secret(other_project, "before")
        self.owner.admit(self.machine, other_project, other)
        self.sdk.get_secret(other)
        self.owner.freeze(self.project)
        self.owner.update(self.project, secret, "after")
        self.owner.update(other_project, other, "after")

        events, other_events = self.watch(secret), self.watch(other)
        self.expect(other_events, other, WatchStatus.CHANGED)
        self.assertTrue(events.empty(), "a freeze is temporary and reports nothing")
        self.owner.unfreeze(self.project)
        self.assertEqual(self.expect(events, secret, WatchStatus.CHANGED).value, "after")
