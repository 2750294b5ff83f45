"""Runs the suite `template`; see `tests/template/run --help`."""

import argparse
import collections
import pathlib
import sys

import calls
import cloudformation
import mutants
import page
import policy
import policy_tests
import powers
import rights
import routes
import stack
import wiring

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "rights.md"
OPENAPI = ROOT / "docs" / "openapi.json"
ROUTES = ROOT / "infra" / "routes.yaml"
MOST_SURVIVORS_SHOWN = 40

# What is asked of roles without asking what the code needs, and all that is asked of them.
ARCHITECTURE = {
    "statements are narrow: rows, attributes and purposes named, no wildcards": rights.shape,
    "only the functions of the architecture open values, and other powers are where they belong": powers.misplaced,
}
ROLE_CHECKS = {
    "every recorded call is allowed by its function's role": rights.denied,
    "every combination of action, resource, rows and attributes is used by a call": rights.unused,
    "every atom of every statement is needed by a call": rights.superfluous,
    **ARCHITECTURE,
}


class Tally:
    """Counts checks and prints a line for each, with what is wrong below it."""

    def __init__(self, passed, failed):
        self.passed = passed
        self.failed = failed

    def add(self, title, problems):
        print(f"{'FAIL' if problems else 'ok  '} {title}")
        for problem in problems:
            print("     " + problem.replace("\n", "\n       "))
        if problems:
            self.failed += 1
        else:
            self.passed += 1

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 0 if self.passed and not self.failed else 1


def main():
    parser = argparse.ArgumentParser(prog="tests/template/run", add_help=False)
    parser.add_argument("--target", type=pathlib.Path, required=True)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    parser.add_argument("--linted", default="0,0", metavar="PASSED,FAILED")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--statements", metavar="FUNCTION")
    options = parser.parse_args()

    tally = Tally(*map(int, options.linted.split(",")))
    files = {name: options.target / "tmp" / name for name in ("calls.jsonl", "routes.json")}
    if options.write:
        # First, because the page tells of the routes too.
        ROUTES.write_text(routes.yaml(calls.read_routes(files["routes.json"])))
        print(f"wrote {ROUTES.relative_to(ROOT)}")
        OPENAPI.write_bytes((options.target / "tmp" / "openapi.json").read_bytes())
        print(f"wrote {OPENAPI.relative_to(ROOT)}")
    try:
        documents = cloudformation.read(options.root)
        of, of_every_option = stack.build(documents), stack.build(documents, stack.EVERY_OPTION)
    except (policy.Unsupported, KeyError, ValueError, OSError) as error:
        tally.add("template.yaml and infra are understood", [f"{type(error).__name__}: {error}"])
        return tally.end()
    if options.write:
        PAGE.write_text(page.write(of))
        print(f"wrote {PAGE.relative_to(ROOT)}")
        return 0

    missing = [
        f"{path} is not there: run `tests/run e2e` first, which records it"
        for path in files.values()
        if not path.exists()
    ]
    if options.statements:
        if options.statements not in of.functions:
            sys.exit(
                f"tests/template/run: no function is called {options.statements}; there are {', '.join(of.functions)}"
            )
        if missing:
            sys.exit("\n".join(missing))
        print(rights.smallest(calls.needed(of.functions[options.statements], calls.read(files["calls.jsonl"]))))
        return 0

    tally.add(f"the evaluator decides {len(policy_tests.CASES)} known cases rightly", policy_tests.evaluator())
    tally.add("the evaluator refuses what it does not understand", policy_tests.refusals())
    tally.add("docs/rights.md is what the roles say", drift(of))
    tally.add("calls and routes were recorded", missing)
    if not missing:
        recorded, in_code = calls.read(files["calls.jsonl"]), calls.read_routes(files["routes.json"])
        made = ROUTES.read_text() == routes.yaml(in_code)
        tally.add("infra/routes.yaml is made from the code", [] if made else ["run `tests/template/run --write`"])
        compare(tally, of, of_every_option, recorded, in_code)
    return tally.end()


def compare(tally, of, of_every_option, recorded, in_code):
    """The checks that need the recorded calls and routes."""
    failed = tally.failed
    needed = {name: calls.needed(function, recorded) for name, function in of.functions.items()}
    for title, check in ROLE_CHECKS.items():
        found = [
            problem
            for name in sorted(of.functions)
            for problem in check(of.statements(name), of.functions[name], needed[name])
        ]
        tally.add(title, found)
    for title, check in wiring.CHECKS.items():
        tally.add(title, list(check(of, recorded, in_code)))
    found = [problem for check in wiring.CHECKS.values() for problem in check(of_every_option, recorded, in_code)]
    if of_every_option.roles != of.roles:
        found.append("the roles depend on parameters")
    tally.add("the same holds with every option on: domain, alarms, open sign-up, reserved concurrency", found)

    # Mutants of a stack with problems would all be noticed by these, so they are tried when there is none.
    if tally.failed == failed:
        noticed = collections.Counter()
        alive = list(mutants.survivors(of, recorded, in_code, needed, ROLE_CHECKS, ARCHITECTURE, noticed))
        shown = alive[:MOST_SURVIVORS_SHOWN] + (
            [f"and {len(alive) - MOST_SURVIVORS_SHOWN} more"] if alive[MOST_SURVIVORS_SHOWN:] else []
        )
        tally.add(f"each of {noticed.total() + len(alive)} mutants of roles and wiring is noticed", shown)
        for title, count in noticed.most_common():
            print(f"     {count:5} by: {title}")
    else:
        print("     mutants are tried once everything else passes")


def drift(of):
    """What to do when the page is not what it would be."""
    try:
        right = page.write(of)
    except policy.Unsupported as error:
        return [str(error)]
    if PAGE.exists() and PAGE.read_text() == right:
        return []
    command = "tests/template/run --write"
    return [f"docs/rights.md is not what the roles say: run `{command}`, read the difference and commit it"]


if __name__ == "__main__":
    sys.exit(main())
