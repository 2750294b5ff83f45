"""Clients that common generators make of docs/openapi.json, without a line of their own to correct: they are complete, and
they sign in, make a project, store a secret and approve a machine.
"""

import importlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from things import harness, public_key

FOLDER = pathlib.Path(__file__).resolve().parent
DOCUMENT = harness.REPOSITORY / "docs" / "openapi.json"
PACKAGE = "sikkerkey_client"
# Longest that a generator, a compiler or a program may take.
SECONDS = 300


def run(*command, cwd=None):
    """Runs a command; what it said, if it failed, is the error."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode:
        raise RuntimeError(f"{pathlib.Path(command[0]).name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def operations():
    """Every operation of the document."""
    paths = json.loads(DOCUMENT.read_text())["paths"]
    return [operation for by_method in paths.values() for operation in by_method.values()]


def python(server):
    """The client of openapi-python-client."""
    with tempfile.TemporaryDirectory() as folder:
        generator = pathlib.Path(sys.executable).with_name("openapi-python-client")
        # An operation, an answer or a field that it has to leave out is a warning.
        run(generator, "generate", "--path", DOCUMENT, "--output-path", pathlib.Path(folder) / PACKAGE,
            "--meta", "none", "--config", FOLDER / "python-client.json", "--fail-on-warning")  # fmt: skip
        sys.path.insert(0, folder)
        try:
            made = list((pathlib.Path(folder) / PACKAGE / "api").glob("*/[!_]*.py"))
            if len(made) != len(operations()):
                raise RuntimeError(f"{len(made)} of {len(operations())} operations were generated")
            for module in made:
                importlib.import_module(f"{PACKAGE}.api.{module.parent.name}.{module.stem}")
            use_python(server.url)
        finally:
            sys.path.remove(folder)


def use_python(url):
    """What a person does first, by generated calls alone."""
    client_module = importlib.import_module(PACKAGE)
    models = importlib.import_module(f"{PACKAGE}.models")

    def call(topic, operation, *ids, **arguments):
        module = importlib.import_module(f"{PACKAGE}.api.{topic}.{operation}")
        answer = module.sync_detailed(*ids, client=client, **arguments)
        if answer.status_code != 200:
            raise RuntimeError(f"{operation} is answered {answer.status_code}: {answer.parsed}")
        return answer

    client = client_module.AuthenticatedClient(base_url=url, token="1", prefix="", auth_header_name="X-SikkerKey-Request")
    signed_in = call("account", "sign_in", body=models.SignIn(email=harness.EMAIL, password=harness.PASSWORD))
    name, _, value = signed_in.headers["set-cookie"].partition(";")[0].partition("=")
    client = client.with_cookies({name: value})
    account = call("account", "get_account").parsed
    expect(account.vault_id, signed_in.parsed.vault_id)

    project = call("projects", "create_project", body=models.NewProject(name=harness.unique("project"))).parsed
    body = models.NewSecret(name="database password", value="a value to store")
    secret = call("secrets", "create_secret", project.id, body=body).parsed
    kept = call("secrets", "get_secret", project.id, secret.id).parsed
    expect((kept.name, kept.version, str(kept.type_)), ("database password", 1, "secret"))

    token = call("ways_in", "create_bootstrap_token", body=models.NewBootstrapToken()).parsed.token
    key = public_key(harness.Ed25519PrivateKey.generate())
    body = models.BootstrapRegistration(public_key=key, hostname=harness.unique("host"))
    machine = call("onboarding", "register_machine", token, body=body).parsed.machine_id
    expect(call("machines", "get_machine", machine).parsed.approved, False)
    call("machines", "approve_machine", machine)
    expect(call("machines", "get_machine", machine).parsed.approved, True)


def expect(found, expected):
    """Fails unless they are the same."""
    if found != expected:
        raise RuntimeError(f"{found!r} in place of {expected!r}")


def typescript(server, modules):
    """The types of openapi-typescript, used by client.ts, which the compiler checks strictly and node runs."""
    if not modules:
        raise RuntimeError("npm is missing; install it (Debian: nodejs npm)")
    modules = pathlib.Path(modules).resolve()
    bin = modules / "node_modules" / ".bin"
    # Within the folder of the modules, where node and the compiler look for them.
    with tempfile.TemporaryDirectory(dir=modules) as folder:
        folder = pathlib.Path(folder)
        run(bin / "openapi-typescript", DOCUMENT, "--output", folder / "sikkerkey.ts")
        shutil.copy(FOLDER / "client.ts", folder)
        (folder / "package.json").write_text('{"type": "module"}')
        options = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom", "--types", "node"]
        run(bin / "tsc", *options, "--outDir", "out", "client.ts", cwd=folder)
        shutil.copy(folder / "package.json", folder / "out")
        key = public_key(harness.Ed25519PrivateKey.generate())
        run("node", folder / "out" / "client.js", server.url, harness.EMAIL, harness.PASSWORD, key)


def check(server, modules):
    """Tries both clients, on a server that the owner has signed up on; how many passed and how many failed."""
    failed = 0
    for name, attempt in {"Python": lambda: python(server), "TypeScript": lambda: typescript(server, modules)}.items():
        try:
            attempt()
            print(f"ok   a generated client in {name} signs in, makes a project, stores a secret, approves a machine")
        except Exception as error:  # noqa: BLE001
            failed += 1
            print(f"FAIL a generated client in {name}: {type(error).__name__}: {error}")
    return 2 - failed, failed
