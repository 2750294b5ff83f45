#!/usr/bin/env python3
"""Runs the installed, unmodified Python SDK `sikkerkey` against our server.

Run by `tests/conformance/run`, which makes an environment for each version of the SDK. By hand, in an environment
that has `sikkerkey` installed:

    python tests/conformance/python_sdk.py [--counts FILE] [-k WORD]

Ends with `N passed, N failed`; exits 0 only if some tests ran and none failed. What was not run is named with its
reason and counts as neither.
"""

import argparse
import importlib.metadata
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

MODULES = ("identity", "reads", "refusals", "enrollment", "bundle", "cache", "watch")

# What each older version lacks. A version that is not here is expected to have everything.
LACKS = {"1.1.0": {"bootstrap_in_memory", "enable_cache"}}


class Tally(unittest.TextTestResult):
    """Counts a test as passed only if it ran to its end with every sub-test."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--counts", metavar="FILE", help="also write `PASSED FAILED` to this file")
    parser.add_argument("-k", dest="word", help="only the tests whose name contains this word")
    options = parser.parse_args()

    # The SDK heeds proxies of the environment; the server is this machine.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "localhost,127.0.0.1,::1"
    sys.stdout.reconfigure(line_buffering=True)

    version = importlib.metadata.version("sikkerkey")
    suite = collect(version, options.word)
    expected = suite.countTestCases()
    print(f"sikkerkey {version} for Python: {expected} tests")
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Tally).run(suite)

    for test, reason in result.skipped:
        print(f"not run: {test.id()}: {reason}")
    failed = expected - result.passed - len(result.skipped)
    if options.counts:
        pathlib.Path(options.counts).write_text(f"{result.passed} {failed}\n")
    print(f"{result.passed} passed, {failed} failed")
    return 0 if failed == 0 and result.passed > 0 else 1


def collect(version, word):
    """The tests for this version. Classes about something that it lacks are left out by name."""
    loader = unittest.TestLoader()
    if word:
        loader.testNamePatterns = [f"*{word}*"]
    suite = unittest.TestSuite()
    for module in MODULES:
        for part in loader.loadTestsFromName(f"python_cases.{module}"):
            tests = list(part)
            needs = tests[0].needs if tests else None
            if needs in LACKS.get(version, ()):
                print(f"left out: {type(tests[0]).__name__} ({len(tests)} tests), {version} has no {needs}")
            else:
                suite.addTest(part)
    return suite


if __name__ == "__main__":
    sys.exit(main())
