"""The pre-provisioned bundle: downloaded once, unpacked, found through SIKKERKEY_IDENTITY."""

import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.parse
import zipfile

from sikkerkey import SikkerKey

from harness import fetch, unique
from python_cases import Case

# Where the bundle is meant to be mounted, and what its identity.json therefore says (machine-protocol 2.16).
MOUNTED_KEY = "/etc/sikkerkey/private.pem"

# Shows the bundle at /etc/sikkerkey to one command only: in a mount namespace of its own, a copy of the few files
# of /etc that Python and the resolver need takes the place of /etc.
MOUNT_AND_RUN = 'mount --bind "$1" /etc && shift && exec "$@"'
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
NEEDED_OF_ETC = ("hosts", "host.conf", "nsswitch.conf", "resolv.conf", "ld.so.cache", "passwd")
READ_AND_PRINT = "import sys, sikkerkey; print(sikkerkey.SikkerKey().get_secret(sys.argv[1]), end='')"


class Bundle(Case):
    def setUp(self):
        super().setUp()
        project = self.owner.project()
        self.secret = self.owner.secret(project, "from the bundle")
        self.not_chosen = self.owner.secret(project, "not chosen")
        self.name = unique("container")
        self.machine_id, link = self.owner.bundle(project, self.secret, name=self.name)
        self.link = urllib.parse.urljoin(self.server.url, link)

    def unpack(self, folder):
        status, _, raw = fetch("GET", self.link)
        self.assertEqual(status, 200, raw[:200])
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            self.assertIsNone(archive.testzip())
            names = set(archive.namelist())
            archive.extractall(folder)
        return {name for name in names if not name.endswith("/")}

    def test_contents(self):
        folder = pathlib.Path(self.folder())
        names = self.unpack(folder)
        below = f"vaults/{self.owner.vault_id}/"
        self.assertLessEqual(
            {"identity.json", "private.pem", "cli.json", below + "identity.json", below + "private.pem"}, names
        )
        self.assertEqual(json.loads((folder / "cli.json").read_text()), {})
        self.assertEqual(json.loads((folder / "identity.json").read_text()), {
            "machineId": self.machine_id,
            "machineName": self.name,
            "vaultId": self.owner.vault_id,
            "apiUrl": self.server.url,
            "privateKeyPath": MOUNTED_KEY,
        })
        self.assertEqual((folder / "private.pem").read_bytes(), (folder / below / "private.pem").read_bytes())

    def test_unpacked_elsewhere(self):
        """Outside /etc/sikkerkey the one path in identity.json has to be changed, and nothing else."""
        folder = pathlib.Path(self.folder())
        self.unpack(folder)
        path = folder / "identity.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "privateKeyPath": str(folder / "private.pem")}))
        os.environ["SIKKERKEY_IDENTITY"] = str(path)
        client = SikkerKey()
        self.assertEqual(client.machine_id, self.machine_id)
        self.assertEqual(client.get_secret(self.secret), "from the bundle")
        self.assertEqual([item.id for item in client.list_secrets()], [self.secret])

    def test_mounted_where_it_belongs(self):
        """As it came out of the ZIP, at /etc/sikkerkey, both ways in: SIKKERKEY_IDENTITY and SIKKERKEY_HOME."""
        if not shutil.which("unshare") or subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode != 0:
            self.skipTest("this machine lets nobody make a mount namespace")
        etc = pathlib.Path(self.folder())
        for name in NEEDED_OF_ETC:
            if pathlib.Path("/etc", name).is_file():
                shutil.copy(pathlib.Path("/etc", name), etc / name)
        self.unpack(etc / "sikkerkey")
        for variables in (
            {"SIKKERKEY_IDENTITY": "/etc/sikkerkey/identity.json", "SIKKERKEY_HOME": self.home},
            {"SIKKERKEY_HOME": "/etc/sikkerkey"},
        ):
            with self.subTest(variables=sorted(variables)):
                done = subprocess.run(
                    [*NAMESPACE, "sh", "-c", MOUNT_AND_RUN, "sh", str(etc),
                     sys.executable, "-c", READ_AND_PRINT, self.secret],
                    env={**os.environ, **variables},
                    capture_output=True, text=True, timeout=60,
                )
                self.assertEqual((done.returncode, done.stdout), (0, "from the bundle"), done.stderr)

    def test_the_link_works_once(self):
        self.unpack(self.folder())
        status, headers, raw = fetch("GET", self.link)
        self.assertEqual(status, 410)
        self.assertEqual(headers.get_content_type(), "application/json")
        self.assertEqual(list(json.loads(raw)), ["error"])
