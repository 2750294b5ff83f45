"""Runs the suite `template`; see `tests/template/run --help`."""

import argparse
import collections
import json
import pathlib
import sys

import api
import calls
import cloudformation
import gateway
import gateway_tests
import made
import mutants
import page
import paths
import policy
import parameters_tests
import policy_tests
import powers
import proofs
import quotas
import reach
import rights
import stack
import system
import wiring

ROOT = system.ROOT
PAGE = ROOT / "docs" / "rights.md"
API = ROOT / api.PATH
OPENAPI = ROOT / "docs" / "openapi.json"
CASES = ROOT / "tests" / "openapi" / "cases.json"
# What the end-to-end suite leaves: calls, the code's routes, the OpenAPI document, how each operation is called.
CALLS, CODE, DOCUMENT, CALLED = "calls.jsonl", "routes.json", "openapi.json", "cases.json"
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
    parser.add_argument("--linted", default="0,0", metavar="PASSED,FAILED")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--rights", metavar="FUNCTION")
    options = parser.parse_args()
    folder = options.target / "tmp"
    missing = [
        f"{folder / name} is not there: run `tests/run e2e` first, which records it"
        for name in (CALLS, CODE, DOCUMENT, CALLED)
        if not (folder / name).exists()
    ]
    if missing and (options.write or options.rights):
        sys.exit("\n".join(missing))
    if options.write:
        return write(folder)
    if options.rights:
        return print_rights(options.rights, folder)
    tally = Tally(*map(int, options.linted.split(",")))
    tally.add(f"the evaluator decides {len(policy_tests.CASES)} known cases rightly", policy_tests.evaluator())
    tally.add("the evaluator refuses what it does not understand", policy_tests.refusals())
    tally.add("the gateway's rules answer known cases rightly", list(gateway_tests.wrong()))
    tally.add(f"{len(parameters_tests.CASES)} parameters of infra/deploy are judged rightly", list(parameters_tests.wrong()))
    tally.add("each path that a document or a comment names is there", list(paths.missing(ROOT)))
    tally.add("calls, routes, cases and the OpenAPI document were recorded", missing)
    if not missing:
        check(tally, folder)
    return tally.end()


def write(folder):
    """Makes all that is made. What tells of the stack comes last, because the stack is made too."""
    told, in_code = system.read(), calls.read_routes(folder / CODE)
    api_document = json.loads((folder / DOCUMENT).read_text())
    changed = made.write(ROOT, told, in_code, api_document)
    documents = cloudformation.read(ROOT)
    changed += made.write(ROOT, told, in_code, api_document, documents)
    texts = {PAGE: page.write(stack.build(documents), told), API: api_page(folder)}
    texts |= {OPENAPI: (folder / DOCUMENT).read_text(), CASES: (folder / CALLED).read_text()}
    for path, text in texts.items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            changed.append(path.relative_to(ROOT))
    print(
        "\n".join(f"wrote {path}" for path in dict.fromkeys(map(str, changed))) or "everything is as it would be made"
    )
    return 0


def api_page(folder):
    """docs/api.md with the tables that the recorded OpenAPI document makes."""
    text = API.read_text()
    for name, lines in api.parts(json.loads((folder / DOCUMENT).read_text())).items():
        text = made.put(text, name, lines)
    return text


def print_rights(name, folder):
    """What a function needs by its recorded calls, as infra/system.toml says it."""
    of = stack.build(cloudformation.read(ROOT))
    if name not in of.functions:
        sys.exit(f"tests/template/run: no function is called {name}; there are {', '.join(of.functions)}")
    print("\n".join(rights.lines(calls.needed(of.functions[name], calls.read(folder / CALLS)))))
    return 0


def check(tally, folder):
    """All checks of the stack."""
    told, in_code = system.read(), calls.read_routes(folder / CODE)
    api_document = json.loads((folder / DOCUMENT).read_text())
    try:
        documents = cloudformation.read(ROOT)
        of, of_every_option = stack.build(documents), stack.build(documents, stack.EVERY_OPTION)
    except (policy.Unsupported, KeyError, ValueError, OSError) as error:
        tally.add("template.yaml and infra are understood", [f"{type(error).__name__}: {error}"])
        return
    found = [*made.drift(ROOT, told, in_code, api_document, documents), *drift(of, told, folder)]
    tally.add("what is made is what would be made", found)
    tally.add("the roles grant what infra/system.toml says, and no more", list(page.differences(of, told)))
    counted = quotas.count(ROOT, documents)
    tally.add(
        f"at most {quotas.MOST:.0%} of each of {len(counted)} quotas of AWS is used", list(quotas.problems(counted))
    )
    tally.add(
        "each function has an event, as the gateway sends it", list(gateway.misdirected(ROOT, of.functions, of.routes))
    )
    tally.add("one function reaches the internet: no other has what sends linked in", list(reach.problems(ROOT)))
    prove(tally, of_every_option)
    compare(tally, of, of_every_option, calls.read(folder / CALLS), in_code)


def prove(tally, of):
    """The theorems about the key and the values, and that they can fail."""
    role_of = lambda function: f"arn:aws:iam::{stack.ACCOUNT}:role/{of.functions[function].role}"  # noqa: E731
    by_name = {theorem.name: theorem for theorem in proofs.theorems(role_of)}
    for theorem in by_name.values():
        found = proofs.counterexample(theorem, of.key_policy)
        tally.add(f"proved: {theorem.says}", [found] if found else [])
    reaching = list(proofs.reaching_values(of))
    tally.add("proved: sealed values of secrets are read by those three alone, those of share links by open-share alone", reaching)
    tally.add("the theorems are about something: what has to be possible is", list(proofs.vacuous(of.key_policy, role_of)))
    alive, refuted = [], []
    for what, name, key_policy in proofs.mutants(of.key_policy, role_of):
        found = proofs.counterexample(by_name[name], key_policy)
        (refuted if found else alive).append(f"{what}: {found}" if found else f"{what} breaks no theorem")
    tally.add(f"each of {len(alive) + len(refuted)} mutants of the key's policy is refuted", alive)
    for line in refuted:
        print(f"     {line}")


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


def drift(of, told, folder):
    """What to do when a page is not what it would be."""
    pages = {PAGE: page.write(of, told), API: api_page(folder)}
    for path, text in pages.items():
        if not path.exists() or path.read_text() != text:
            name = path.relative_to(ROOT)
            yield f"{name} is not what would be made: run `{made.COMMAND}`, read the difference and commit it"


if __name__ == "__main__":
    sys.exit(main())
