"""Counting checks, and running the end-to-end suite as one of them."""

import os
import pathlib
import re
import subprocess
import traceback

import servers

SELECTION = pathlib.Path(__file__).with_name("selection.txt")


class Tally:
    """How many checks passed and failed. Each is a line of the output."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, problem=None):
        """One check, with what is wrong if something is."""
        if problem:
            self.failed += 1
            print(f"FAILED {name}: {problem}")
        else:
            self.passed += 1
            print(f"ok {name}")

    def broke(self, stage, error):
        """A stage could not go on."""
        if not isinstance(error, servers.Broken):
            traceback.print_exception(error)
        self.check(stage, str(error) or type(error).__name__)

    def cargo_test(self, arguments, environment):
        """The tests of one program, each counted; one failure when it breaks off."""
        command = ["cargo", "test", "--locked", *arguments]
        given = [f"{name}={value}" for name, value in environment.items()]
        print("$", " ".join([*given, *command]))
        counts = None
        environment = {**os.environ, "RUST_BACKTRACE": "0", **environment}
        output = {"stdout": subprocess.PIPE, "text": True, "errors": "replace"}
        with subprocess.Popen(command, cwd=servers.ROOT, env=environment, **output) as process:
            for line in process.stdout:
                print(line, end="")
                if result := re.match(r"test result: .* (\d+) passed; (\d+) failed", line):
                    counts = [int(number) for number in result.groups()]
        passed, failed = counts or (0, 0)
        if passed + failed == 0 or (process.returncode and not failed):
            failed += 1
        self.passed += passed
        self.failed += failed


def selected(stage):
    """Arguments with which the end-to-end suite runs what selection.txt wants of it in this stage."""
    only, skipped = [], []
    for line in SELECTION.read_text().splitlines():
        words = line.partition("#")[0].split()
        if words and words[0] == stage:
            _, kind, test = words
            {"only": only, "skip": skipped}[kind].append(test)
    return [*only, *(part for test in skipped for part in ("--skip", test))]
