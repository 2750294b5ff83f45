#!/usr/bin/env python3
"""The functions under `cargo lambda watch`, on emulators of DynamoDB, SES and KMS; see `local/lambda --help`."""

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

import deployment
import servers

# How long an invocation may take, the start of the function's process with it.
INVOCATION_SECONDS = 300


class Machine:
    """The functions with all they need: `lambda_url`, `dynamodb_url`, `kms_url`, and the KMS key's ARN in `key`."""

    def __init__(self, folder, port=0, prefix="sikkerkey-local", concurrency=1, variables=()):
        self.folder = pathlib.Path(folder)
        self.port = port or servers.free_port()
        self.prefix = prefix
        self.concurrency = concurrency
        self.variables = dict(variables)

    def __enter__(self):
        with contextlib.ExitStack() as running:
            self._build()
            self.dynamodb_url = running.enter_context(servers.ministack(self.folder)).url
            deployment.allow_mail(self.dynamodb_url)
            self.kms_url = running.enter_context(servers.moto(self.folder)).url
            deployment.make_tables(deployment.client("dynamodb", self.dynamodb_url), self.prefix)
            key = deployment.client("kms", self.kms_url).create_key(Description="SikkerKey on one machine")
            self.key = key["KeyMetadata"]["Arn"]
            self.watch = running.enter_context(self._watch())
            self.lambda_url = self.watch.url
            self._running = running.pop_all()
        return self

    def __exit__(self, *_):
        self._running.close()

    def _build(self):
        """All functions at once, so that the first call of each does not wait for cargo."""
        binaries = [part for name in deployment.functions() for part in ("--bin", name)]
        build = subprocess.run(["cargo", "build", "--quiet", "--locked", *binaries], cwd=servers.ROOT, check=False)
        if build.returncode:
            raise servers.Broken("the functions do not build")

    def _watch(self):
        url = f"http://127.0.0.1:{self.port}"
        variables = deployment.environment(
            {
                "SIKKERKEY_URL": f"http://localhost:{self.port}",
                "SIKKERKEY_TABLE_PREFIX": self.prefix,
                "SIKKERKEY_KMS_KEY": self.key,
                "SIKKERKEY_SEAL_FUNCTION": "seal-secret",
                "SIKKERKEY_MAIL_FUNCTION": "send-mail",
                "SIKKERKEY_DELIVERY_FUNCTION": "deliver-webhooks",
                "SIKKERKEY_MAIL_FROM": deployment.MAIL_FROM,
            }
        )
        # It listens on this machine only, so the first account needs no code.
        del variables["SIKKERKEY_SET_UP_CODE_HASH"]
        variables.update(servers.CREDENTIALS)
        endpoints = {"DYNAMODB": self.dynamodb_url, "SESV2": self.dynamodb_url, "KMS": self.kms_url, "LAMBDA": url}
        variables.update((f"AWS_ENDPOINT_URL_{service}", endpoint) for service, endpoint in endpoints.items())
        variables.update(self.variables)
        environment = self.folder / "environment"
        environment.write_text("".join(f"{name}={value}\n" for name, value in sorted(variables.items())))
        command = ["cargo", "lambda", "watch", "--ignore-changes", "--locked", "-A", "127.0.0.1", "-P", str(self.port)]
        command += ["--env-file", str(environment), "--timeout", str(INVOCATION_SECONDS)]
        command += ["--concurrency", str(self.concurrency)]
        # Nothing of AWS that the caller may have: functions get theirs from the file.
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SIKKERKEY_"))}
        return servers.Server("watch", command, self.port, self.folder, own)


def main():
    parser = argparse.ArgumentParser(prog="local/lambda", add_help=False)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--prefix", default="sikkerkey-local")
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("variables", nargs="*", metavar="NAME=VALUE")
    options = parser.parse_args()
    variables = dict(variable.partition("=")[::2] for variable in options.variables)

    servers.end_on_signals()
    with tempfile.TemporaryDirectory(prefix="sikkerkey-lambda-") as folder:
        try:
            with Machine(folder, options.port, options.prefix, options.concurrency, variables) as machine:
                print(f"dynamodb {machine.dynamodb_url} (tables {machine.prefix}-...)")
                print(f"kms {machine.kms_url} (key {machine.key})")
                print(f"ready {machine.lambda_url}", flush=True)
                follow(machine.watch.log, machine.watch.process)
        except servers.Broken as broken:
            print(f"local/lambda: {broken}", file=sys.stderr)
            return 1
    return 0


def follow(log, process):
    """Shows what the functions log until the process ends."""
    command = ["tail", "-n", "+1", "-f", f"--pid={process.pid}", log]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as tail:
        try:
            tail.wait()
        finally:
            tail.terminate()


if __name__ == "__main__":
    sys.exit(main())
