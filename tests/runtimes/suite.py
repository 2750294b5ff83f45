#!/usr/bin/env python3
"""Runs the stages of the suite; see `tests/runtimes/run --help`."""

import argparse
import functools
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import checks
import deployment
import events
import journey
import kms
import sam
import servers
import zips
from machine import Machine

# Enough that calls of one test find another process of the same function.
PROCESSES_OF_A_FUNCTION = 3


def store(tally, folder):
    """The stores compared case by case, and the end-to-end suite on DynamoDB Local in place of the embedded one."""
    given = os.environ.get("SIKKERKEY_DYNAMODB")
    if given:
        on(tally, given)
        return
    with servers.ministack(folder) as emulator:
        compare(tally, emulator.url)
    # Built while there is still a network.
    build = ["cargo", "test", "--quiet", "--locked", "--no-run", "--workspace", "--test", "suite", "--test", "stores"]
    subprocess.run(build, cwd=servers.ROOT, check=True)
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=on_dynamodb_local, args=(folder, sender))
    child.start()
    child.join()
    if child.exitcode or not receiver.poll():
        raise servers.Broken("the tests on DynamoDB Local broke off")
    passed, failed = receiver.recv()
    tally.passed += passed
    tally.failed += failed


def on_dynamodb_local(folder, sender):
    try:
        servers.alone()
    except OSError as error:
        print(f"DynamoDB Local listens on all addresses while this stage runs: no network of its own ({error})")
    tally = checks.Tally()
    with servers.dynamodb_local(folder) as server:
        on(tally, server.url)
    sender.send((tally.passed, tally.failed))


def on(tally, dynamodb):
    compare(tally, dynamodb)
    environment = {"SIKKERKEY_E2E_DYNAMODB": dynamodb}
    tally.cargo_test(["--workspace", "--test", "suite", "--", *checks.selected("store")], environment)


def compare(tally, dynamodb):
    tally.cargo_test(["--workspace", "--test", "stores"], {"SIKKERKEY_E2E_DYNAMODB": dynamodb})


def watch(tally, folder):
    """The functions under cargo lambda watch."""
    variables = {
        # Every test signs up somebody of its own, in the same tables and from the same address.
        "SIKKERKEY_OPEN_SIGN_UP": "true",
        "SIKKERKEY_LOCKOUT_FAILURES": "1000",
        # The address that the end-to-end suite has always.
        "SIKKERKEY_URL": "http://localhost:8080",
        # As on AWS the first account takes a code.
        "SIKKERKEY_SET_UP_CODE_HASH": journey.SET_UP_CODE_HASH,
    }
    failed = tally.failed
    with Machine(folder, prefix="sikkerkey-watch", concurrency=PROCESSES_OF_A_FUNCTION, variables=variables) as machine:
        try:
            lambda_ = deployment.client("lambda", machine.lambda_url)
            events.check(tally, lambda_)
            journey.Journey(tally, events.Gateway(lambda_).send, machine.dynamodb_url).run()
            environment = {
                "SIKKERKEY_E2E_DYNAMODB": machine.dynamodb_url,
                "SIKKERKEY_E2E_LAMBDA": machine.lambda_url,
                "SIKKERKEY_E2E_PREFIX": machine.prefix,
            }
            tally.cargo_test(["--workspace", "--test", "suite", "--", *checks.selected("watch")], environment)
            dynamodb, key_service = (
                deployment.client("dynamodb", machine.dynamodb_url),
                deployment.client("kms", machine.kms_url),
            )
            kms.check(tally, key_service, machine.key, dynamodb, f"{machine.prefix}-vault")
            kms.rewrap(tally, key_service, dynamodb, machine)
        finally:
            if tally.failed > failed:
                print(f"-- the functions' last lines\n{machine.watch.tail()}")


STAGES = {"store": store, "watch": watch, "zips": zips.run, "sam-build": sam.build, "deploy": sam.deploy}
# These build every function for release.
DEEP = ("sam-build", "deploy")


def main():
    sys.stdout.reconfigure(line_buffering=True)
    servers.end_on_signals()
    parser = argparse.ArgumentParser(prog="tests/runtimes/run", add_help=False)
    parser.add_argument("--deep", action="store_true")
    parser.add_argument("stages", nargs="*")
    options = parser.parse_args()
    stages = {**STAGES, "zips": functools.partial(zips.run, deep=options.deep)}
    tally = checks.Tally()
    with tempfile.TemporaryDirectory(prefix="sikkerkey-runtimes-") as folder:
        for name in options.stages or [name for name in stages if options.deep or name not in DEEP]:
            print(f"\n-- {name}")
            start = time.monotonic()
            own = pathlib.Path(folder, name)
            own.mkdir(exist_ok=True)
            try:
                stages[name](tally, own)
            except (Exception, subprocess.SubprocessError) as error:  # noqa: BLE001  the other stages still run
                tally.broke(name, error)
            print(f"-- {name}: {time.monotonic() - start:.0f} s")
    print(f"\n{tally.passed} passed, {tally.failed} failed")
    return 0 if tally.passed and not tally.failed else 1


if __name__ == "__main__":
    sys.exit(main())
