"""The SDK's encrypted fallback cache: it may stand in for a dead server, never for a server that says no."""

import pathlib

from sikkerkey import AccessDeniedError, ApiError, AuthenticationError, NotFoundError, SikkerKey

from python_cases import Case
from python_cases.refusals import closed_port


class Cache(Case):
    needs = "enable_cache"

    def cached(self):
        """A machine whose one secret the SDK has read into its cache: client, machine, project, secret."""
        machine, project, secret = self.reader("cached value")
        machine.write(self.home)
        client = SikkerKey(machine.vault_id).enable_cache(on_fallback=self.fell_back)
        self.assertEqual(client.get_secret(secret), "cached value")
        entry = pathlib.Path(self.home, "vaults", machine.vault_id, "cache", f"{secret}.skc")
        self.assertTrue(entry.is_file())
        self.assertNotIn("cached value", entry.read_text())
        return client, machine, project, secret

    def setUp(self):
        super().setUp()
        self.fallbacks = []

    def fell_back(self, secret, _cached_at):
        self.fallbacks.append(secret)

    def test_a_dead_server_is_bridged(self):
        _, machine, _, secret = self.cached()
        machine.write(self.home, apiUrl=f"http://localhost:{closed_port()}")
        with self.assertRaises(ApiError):
            SikkerKey(machine.vault_id).get_secret(secret)
        client = SikkerKey(machine.vault_id).enable_cache(on_fallback=self.fell_back)
        self.assertEqual(client.get_secret(secret), "cached value")
        self.assertEqual(self.fallbacks, [secret])

    def test_a_refusal_is_never_bridged(self):
        for error, refuse in (
            (AccessDeniedError, lambda machine, project, _: self.owner.grant(project, machine.id, [])),
            (ApiError, lambda _, project, __: self.owner.freeze(project)),
            (NotFoundError, lambda _, project, secret: self.owner.trash(project, secret)),
            (AuthenticationError, lambda machine, _, __: self.owner.act(machine.id, "revoke")),
        ):
            client, machine, project, secret = self.cached()
            refuse(machine, project, secret)
            with self.subTest(error=error.__name__), self.assertRaises(error):
                client.get_secret(secret)
        self.assertEqual(self.fallbacks, [])
