"""How the SDK finds out who it is, from files that our server's answers were written into."""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import unittest

from cryptography.hazmat.primitives.asymmetric import ec
from sikkerkey import ConfigurationError, SikkerKey

from harness import private_pem
from python_cases import Case


class Identity(Case):
    def test_vault_id_with_and_without_its_prefix(self):
        machine, _, secret = self.reader("by vault id")
        machine.write(self.home)
        for vault in (machine.vault_id, machine.vault_id.removeprefix("vault_")):
            with self.subTest(vault=vault):
                self.assertEqual(SikkerKey(vault).get_secret(secret), "by vault id")

    def test_path(self):
        machine, _, secret = self.reader("by path")
        path = machine.write(self.folder())
        self.assertEqual(SikkerKey(str(path)).get_secret(secret), "by path")

    def test_relative_path(self):
        machine, _, secret = self.reader("by relative path")
        path = os.path.relpath(machine.write(self.folder()))
        self.assertEqual(SikkerKey(path).get_secret(secret), "by relative path")

    def test_environment_variable(self):
        machine, _, secret = self.reader("by environment")
        os.environ["SIKKERKEY_IDENTITY"] = str(machine.write(self.folder()))
        self.assertEqual(SikkerKey().get_secret(secret), "by environment")

    def test_the_only_vault_on_disk(self):
        machine, _, secret = self.reader("by auto-detection")
        machine.write(self.home)
        self.assertEqual(SikkerKey().get_secret(secret), "by auto-detection")

    def test_properties(self):
        machine = self.owner.machine()
        client = self.client(machine)
        self.assertEqual(client.machine_id, machine.id)
        self.assertEqual(client.machine_name, machine.name)
        self.assertEqual(client.vault_id, self.owner.vault_id)
        self.assertEqual(client.api_url, self.server.url)

    def test_list_vaults(self):
        self.assertEqual(SikkerKey.list_vaults(), [])
        machine = self.owner.machine()
        machine.write(self.home)
        self.assertEqual(SikkerKey.list_vaults(), [machine.vault_id])
        machine.write(self.home, vaultId="vault_0123456789")
        self.assertEqual(sorted(SikkerKey.list_vaults()), sorted([machine.vault_id, "vault_0123456789"]))

    @unittest.skipUnless(shutil.which("curl") and shutil.which("openssl"), "needs curl and openssl")
    def test_identity_written_by_the_bootstrap_script(self):
        _, project, secret = self.reader("by script")
        token = self.owner.bootstrap_token()
        home = self.folder()
        environment = {name: value for name, value in os.environ.items() if name != "SIKKERKEY_HOME"}
        done = subprocess.run(
            ["sh", "-c", 'curl -sSL --noproxy "*" "$1" | sh', "sh", f"{self.server.url}/v1/bootstrap/{token}"],
            env={**environment, "HOME": home, "NO_PROXY": "*", "no_proxy": "*"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        folder = pathlib.Path(home, ".sikkerkey", "vaults", self.owner.vault_id)
        identity = json.loads((folder / "identity.json").read_text())
        self.assertEqual(set(identity), {"machineId", "machineName", "vaultId", "apiUrl", "privateKeyPath"})
        self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o700)
        for name in ("identity.json", "private.pem"):
            self.assertEqual(stat.S_IMODE((folder / name).stat().st_mode), 0o600, name)

        self.owner.act(identity["machineId"], "approve")
        self.owner.attach(project, identity["machineId"])
        self.owner.grant(project, identity["machineId"], [secret])
        os.environ["SIKKERKEY_HOME"] = os.path.join(home, ".sikkerkey")
        self.assertEqual(SikkerKey().get_secret(secret), "by script")


class Configuration(Case):
    """Local mistakes are ConfigurationError, found before anything is sent."""

    def test_no_identity(self):
        with self.assertRaises(ConfigurationError):
            SikkerKey()

    def test_several_identities(self):
        machine = self.owner.machine()
        machine.write(self.home)
        machine.write(self.home, vaultId="vault_0123456789")
        with self.assertRaises(ConfigurationError):
            SikkerKey()

    def test_unknown_vault(self):
        self.owner.machine().write(self.home)
        with self.assertRaises(ConfigurationError):
            SikkerKey("vault_0123456789")

    def test_missing_file(self):
        path = os.path.join(self.home, "identity.json")
        with self.assertRaises(ConfigurationError):
            SikkerKey(path)
        os.environ["SIKKERKEY_IDENTITY"] = path
        with self.assertRaises(ConfigurationError):
            SikkerKey()

    def test_missing_key(self):
        machine = self.owner.machine()
        with self.assertRaises(ConfigurationError):
            self.client(machine, privateKeyPath=os.path.join(self.home, "private.pem"))

    def test_key_of_another_kind(self):
        machine = self.owner.machine()
        path = pathlib.Path(self.home, "private.pem")
        path.write_bytes(private_pem(ec.generate_private_key(ec.SECP256R1())))
        with self.assertRaises(ConfigurationError):
            self.client(machine, privateKeyPath=str(path))

    def test_plain_http_to_another_host(self):
        machine = self.owner.machine()
        for url in ("http://sikkerkey.example", self.server.url.replace("localhost", "127.0.0.1")):
            with self.subTest(url=url), self.assertRaises(ConfigurationError):
                self.client(machine, apiUrl=url)
