"""Runs the suite `template`; see `tests/template/run --help`."""

import argparse
import collections
import pathlib
import sys

import calls
import mutants
import page
import policy_tests
import powers
import rights
import stack
import wiring

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "rights.md"
MOST_SURVIVORS_SHOWN = 40

ROLE_CHECKS = {
    **rights.CHECKS,
    "only the functions of the architecture may open values, and the other powers are where they belong": powers.misplaced,
}


class Tally:
    """Counts checks and prints a line for each, with what is wrong below it."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

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
    parser.add_argument("--lint-failed", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--statements", metavar="FUNCTION")
    options = parser.parse_args()

    of = stack.build(stack.read(options.root))
    if options.write:
        PAGE.write_text(page.write(of))
        print(f"wrote {PAGE.relative_to(ROOT)}")
        return 0

    files = {name: options.target / "tmp" / name for name in ("calls.jsonl", "routes.json")}
    missing = [f"{path} is not there: run `tests/run e2e` first, which records it" for path in files.values() if not path.exists()]
    if options.statements:
        if missing:
            sys.exit("\n".join(missing))
        print(rights.smallest(calls.needed(of.functions[options.statements], calls.read(files["calls.jsonl"]))))
        return 0

    tally = Tally()
    tally.add("lint", ["tests/template/lint failed, see above"] if options.lint_failed else [])
    tally.add(f"the evaluator decides {len(policy_tests.CASES)} known cases rightly", policy_tests.evaluator())
    tally.add("the evaluator refuses what it does not understand", policy_tests.refusals())
    tally.add("docs/rights.md is what the roles say", drift(of))
    tally.add("calls and routes were recorded", missing)
    if missing:
        return tally.end()

    recorded = calls.read(files["calls.jsonl"])
    routes = calls.read_routes(files["routes.json"])
    needed = {name: calls.needed(function, recorded) for name, function in of.functions.items()}
    for title, check in ROLE_CHECKS.items():
        found = [problem for name in sorted(of.functions) for problem in check(of.statements(name), of.functions[name], needed[name])]
        tally.add(title, found)
    for title, check in wiring.CHECKS.items():
        tally.add(title, list(check(of, recorded, routes)))

    # Mutants of a stack with problems would all be noticed by these, so they are tried when there is none.
    if tally.failed == 0:
        noticed = collections.Counter()
        alive = list(mutants.survivors(of, recorded, routes, needed, ROLE_CHECKS, noticed))
        shown = alive[:MOST_SURVIVORS_SHOWN] + ([f"and {len(alive) - MOST_SURVIVORS_SHOWN} more"] if alive[MOST_SURVIVORS_SHOWN:] else [])
        tally.add(f"each of {noticed.total() + len(alive)} mutants of roles and wiring is noticed", shown)
        for title, count in noticed.most_common():
            print(f"     {count:5} by: {title}")
    else:
        tally.add("mutants are tried once everything else passes", ["not tried"])
    return tally.end()


def drift(of):
    """What to do when the page is not what it would be."""
    if PAGE.exists() and PAGE.read_text() == page.write(of):
        return []
    return ["docs/rights.md is not what the roles say now: run `tests/template/run --write`, read the difference and commit it"]


if __name__ == "__main__":
    sys.exit(main())
