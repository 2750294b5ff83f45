"""In-memory enrollment: a machine that exists only in this process."""

import os
import re

from sikkerkey import AccessDeniedError, AuthenticationError, ConflictError, SikkerKey

from harness import unique
from python_cases import Case
from python_cases.refusals import ELSEWHERE


class Enrollment(Case):
    needs = "bootstrap_in_memory"

    def setUp(self):
        super().setUp()
        os.environ["SIKKERKEY_API_URL"] = self.server.url

    def enroll(self, token, **options):
        return SikkerKey.bootstrap_in_memory(self.owner.vault_id, token, **options)

    def token(self, **settings):
        """A token for one project with one secret: the token's id and plaintext, the project, the secret."""
        project = self.owner.project()
        secret = self.owner.secret(project, "for the enrolled", "Enrolled")
        return *self.owner.enrollment_token([project], [secret], **settings), project, secret

    def test_reads_what_the_token_grants_and_nothing_else(self):
        _, token, project, secret = self.token()
        other = self.owner.secret(project, "not granted")
        client = self.enroll(token)
        self.assertEqual(client.get_secret(secret), "for the enrolled")
        self.assertEqual([item.id for item in client.list_secrets()], [secret])
        self.assertEqual(client.export(), {"ENROLLED": "for the enrolled"})
        self.assertEqual(client.export(project), {"ENROLLED": "for the enrolled"})
        with self.assertRaises(AccessDeniedError):
            client.get_secret(other)

    def test_what_the_client_knows_of_itself(self):
        _, token, _, _ = self.token()
        client = self.enroll(token, hostname="build-7", name="the builder")
        self.assertRegex(client.machine_id, r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
        self.assertEqual(client.machine_name, "the builder")
        self.assertEqual(client.vault_id, self.owner.vault_id)
        self.assertEqual(client.api_url, self.server.url)

    def test_nothing_is_written_to_disk(self):
        _, token, _, secret = self.token()
        self.enroll(token).get_secret(secret)
        self.assertEqual(os.listdir(self.home), [])

    def test_each_enrollment_is_a_machine_of_its_own(self):
        _, token, _, secret = self.token(maxUses=3)
        clients = [self.enroll(token) for _ in range(3)]
        self.assertEqual(len({client.machine_id for client in clients}), 3)
        for client in clients:
            self.assertEqual(client.get_secret(secret), "for the enrolled")

    def test_name_pattern(self):
        _, token, _, _ = self.token(namePattern="worker-{uuid8}-{hostname}")
        client = self.enroll(token, hostname="build-7", name="overridden")
        self.assertTrue(re.fullmatch(r"worker-[0-9a-f]{8}-build-7", client.machine_name), client.machine_name)

    def test_hostname_pattern(self):
        _, token, _, secret = self.token(hostnamePattern="build-[0-9]+")
        self.assertEqual(self.enroll(token, hostname="build-7").get_secret(secret), "for the enrolled")
        for hostname in ("deploy-7", "build-7.example", "my-build-7"):
            with self.subTest(hostname=hostname), self.assertRaises(AccessDeniedError):
                self.enroll(token, hostname=hostname)

    def test_other_source_address(self):
        _, token, _, _ = self.token(sourceCidr=ELSEWHERE)
        with self.assertRaises(AccessDeniedError):
            self.enroll(token)

    def test_used_up(self):
        _, token, _, secret = self.token(maxUses=1)
        client = self.enroll(token)
        with self.assertRaises(ConflictError) as caught:
            self.enroll(token)
        self.assertEqual(caught.exception.http_status, 409)
        self.assertEqual(client.get_secret(secret), "for the enrolled")

    def test_revoked_token(self):
        token_id, token, _, secret = self.token()
        client = self.enroll(token)
        self.owner.post(f"/v1/manage/enrollment-tokens/{token_id}/revoke", {})
        with self.assertRaises(AuthenticationError):
            self.enroll(token)
        self.assertEqual(client.get_secret(secret), "for the enrolled", "a machine outlives its token")

    def test_unknown_token(self):
        with self.assertRaises(AuthenticationError):
            self.enroll("ske_" + "A" * 43)

    def test_token_of_another_vault(self):
        _, token, _, _ = self.token()
        with self.assertRaises(AuthenticationError):
            SikkerKey.bootstrap_in_memory("vault_0123456789", token)

    def test_revoked_machine(self):
        _, token, _, secret = self.token()
        client = self.enroll(token, name=unique("ephemeral"))
        self.assertEqual(client.get_secret(secret), "for the enrolled")
        self.owner.act(client.machine_id, "revoke")
        with self.assertRaises(AuthenticationError):
            client.get_secret(secret)

    def test_vault_allowlist(self):
        _, token, _, secret = self.token()
        self.owner.post("/v1/manage/ipallowlist", {"cidr": ELSEWHERE})
        self.owner.post("/v1/manage/ipallowlist/enable")
        self.addCleanup(self.owner.post, "/v1/manage/ipallowlist/disable")
        with self.assertRaises(AccessDeniedError):
            self.enroll(token)
        self.owner.post("/v1/manage/ipallowlist/disable")
        self.assertEqual(self.enroll(token).get_secret(secret), "for the enrolled")
