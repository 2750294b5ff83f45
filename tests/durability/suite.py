#!/usr/bin/env python3
"""Runs the durability suite; see `tests/durability/run --help`."""

import argparse
import contextlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "conformance"))

import harness  # noqa: E402  needs the path above

import crashes  # noqa: E402
import restarts  # noqa: E402
import starts  # noqa: E402
from checks import Check, Tally  # noqa: E402

PARTS = {"restarts": restarts.run, "crashes": crashes.run, "starts": starts.run}
KILLS = 28


def main():
    parser = argparse.ArgumentParser(prog="tests/durability/run", add_help=False)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--rounds", type=int, default=KILLS)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("parts", nargs="*", metavar="PART")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown or options.rounds < 1:
        parser.error(f"no such part: {', '.join(sorted(unknown))}" if unknown else "--rounds must be at least 1")

    sys.stdout.reconfigure(line_buffering=True)
    # As an exception, so that servers are stopped and folders removed on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # The checks fail to authenticate on purpose, again and again, from one address. The check of the lockout itself
    # takes this away.
    os.environ.update(
        SIKKERKEY_LOCKOUT_FAILURES="1000", SIKKERKEY_LOCKOUT_WINDOW_SECONDS="1", SIKKERKEY_LOCKOUT_LOCK_SECONDS="1"
    )

    print(f"seed {options.seed}")
    tally = Tally()
    with work_folder(options.keep) as folder:
        take_server(folder)
        for name, part in PARTS.items():
            if not options.parts or name in options.parts:
                own = folder / name
                own.mkdir()
                # Its own source for each part, so that a part alone chooses as it does among the others.
                try:
                    part(tally, own, random.Random(f"{options.seed} {name}"), options.rounds)
                except Exception as error:  # noqa: BLE001  the other parts still run
                    traceback.print_exc()
                    broken = Check(f"{name}: could not go on")
                    broken.that(False, f"{type(error).__name__}: {error}")
                    tally.add(broken)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 0 if tally.failed == 0 and tally.passed > 0 else 1


@contextlib.contextmanager
def work_folder(keep):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sikkerkey-durability-"))
    # Another user has to get through to a folder that this user may not write to.
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        if keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def take_server(folder):
    """Without a server's command in the environment: builds ours, and sets a copy of it to be used throughout.

    Of the many starts none waits for cargo, and nobody's build in the meantime comes between.
    """
    if os.environ.get("SIKKERKEY_LOCAL"):
        return
    build = [harness.DEFAULT_SERVER_COMMAND, "--help"]
    subprocess.run(build, cwd=harness.REPOSITORY, stdout=subprocess.DEVNULL, check=True)
    target = pathlib.Path(harness.REPOSITORY, os.environ.get("CARGO_TARGET_DIR") or "target")
    copy = folder / "sikkerkey-local"
    shutil.copy2(target / "debug" / "sikkerkey-local", copy)
    os.environ["SIKKERKEY_LOCAL"] = str(copy)


if __name__ == "__main__":
    sys.exit(main())
