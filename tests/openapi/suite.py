"""Has generated clients and Schemathesis call a server by docs/openapi.json; see run."""

import argparse
import base64
import collections
import hashlib
import os
import pathlib
import re
import secrets
import sys
import tempfile
import time
import urllib.parse
import xml.etree.ElementTree

import clients
import requests
import schemathesis
import schemathesis.cli
from things import CASES, Owner, Things, harness

DOCUMENT = harness.REPOSITORY / "docs" / "openapi.json"
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
]
# Calls between two looks at what is there.
RENEWED_AFTER = 25
# Of the calls, those that are sent as Schemathesis made them, with ids of nothing.
AS_MADE = 0.3
# Longest that one call may take.
CALL_SECONDS = 60
# Calls that end the session they are made in.
ENDS_SESSIONS = ("/v1/account/password", "/v1/account/sign-out")


class Callers(requests.auth.AuthBase):
    """Authenticates a request as who its path is for, when all of it is known."""

    def __init__(self, things):
        self.things = things

    def __call__(self, request):
        path = urllib.parse.urlsplit(request.url).path
        caller = self.caller(request.method, path)
        if caller in ("person", "nobody"):
            request.headers["X-SikkerKey-Request"] = "1"
        if caller == "agent":
            self.sign(request, path, self.things.agent_id, self.things.agent_key)
        elif caller == "machine":
            self.sign(request, path, self.things.machine.id, self.things.machine.key)
        elif caller == "person":
            request.headers["Cookie"] = self.things.owner.cookie
        return request

    @staticmethod
    def caller(method, path):
        """Who makes the calls of the operation that this is of; the one with most words, where several could be."""
        matching = [case for case in CASES.values() if case["method"] == method and of(case["path"], path)]
        case = min(matching, key=lambda case: case["path"].count("{"), default=None)
        return case and case["caller"]

    @staticmethod
    def sign(request, path, identity, key):
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        digest = hashlib.sha256(body).hexdigest()
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        text = f"{request.method}:{path}:{timestamp}:{nonce}:{digest}".encode()
        request.headers.update({
            "X-Machine-Id": identity,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": base64.b64encode(key.sign(text)).decode(),
        })


def of(template, path):
    """Whether this is a path of the template."""
    parts, given = template.split("/"), path.split("/")
    return len(parts) == len(given) and all(part == text or part.startswith("{") for part, text in zip(parts, given))


class Calls:
    """What every call goes through: it names things that are there, mostly, and its answer is counted."""

    def __init__(self, things):
        self.things = things
        self.number = 0
        self.statuses = collections.defaultdict(collections.Counter)
        self.signed_out = False

    def before(self, case):
        self.number += 1
        # Even if the answer of the call before was lost.
        if self.signed_out:
            self.things.owner.sign_in()
        self.signed_out = case.operation.path in ENDS_SESSIONS
        if self.number % RENEWED_AFTER == 0:
            self.things.renew()
        if isinstance(case.body, bytes) and not case.body.strip():
            # White space is no body, which is right where every field may be missing. This is wrong everywhere.
            case.body = b"{"
        if self.things.chance.random() < AS_MADE:
            return
        values = self.things.values(CASES[case.operation.label])
        for part in (case.headers, case.path_parameters):
            for name in part or {}:
                part[name] = values.get(name) or part[name]
        if isinstance(case.body, dict):
            case.body = self.real("", case.body, values)

    def real(self, name, value, values):
        if isinstance(value, dict):
            return {name: self.real(name, value, values) for name, value in value.items()}
        if isinstance(value, list):
            return [self.real(name.removesuffix("s"), item, values) for item in value]
        return values.get(name) or value if isinstance(value, str) else value

    def after(self, case, response):
        self.statuses[case.operation.label][response.status_code] += 1


def good(things, label):
    """Whether the call that stands in the cases is answered with 200, where this suite has what it takes."""
    case = CASES[label]
    if case["byHand"]:
        return True
    things.renew()
    path, body = things.good(case)
    sent = {"json": body} if case["method"] == "POST" else {}
    answer = requests.request(
        case["method"], things.owner.url + path, auth=Callers(things), timeout=CALL_SECONDS, **sent
    )
    if case["path"] in ENDS_SESSIONS:
        things.owner.sign_in()
    if answer.status_code != 200:
        print(f"{label}: the call of its case is answered {answer.status_code}: {answer.text[:300]}")
    return answer.status_code == 200


def main():
    parser = argparse.ArgumentParser(prog="tests/openapi/run", add_help=False)
    parser.add_argument("--examples", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", metavar="REGEX")
    parser.add_argument("--clients", action="store_true")
    parser.add_argument("--modules")
    options = parser.parse_args()
    # A thousand failures a second lock an address out for a second: the guesses of this suite are no attack.
    os.environ.update({
        "SIKKERKEY_OPEN_SIGN_UP": "true",
        "SIKKERKEY_LOCKOUT_FAILURES": "1000",
        "SIKKERKEY_LOCKOUT_WINDOW_SECONDS": "1",
        "SIKKERKEY_LOCKOUT_LOCK_SECONDS": "1",
    })
    server = harness.Server()
    try:
        owner = Owner(server)
        passed, failed = (0, 0) if options.only else clients.check(server, options.modules)
        if options.clients:
            print(f"{passed} passed, {failed} failed")
            return 1 if failed else 0
        calls = Calls(Things(owner))
        schemathesis.auth.set_from_requests(Callers(calls.things))


        @schemathesis.hook
        def before_call(context, case, kwargs):
            calls.before(case)

        @schemathesis.hook
        def after_call(context, case, response):
            calls.after(case, response)

        with tempfile.TemporaryDirectory() as folder:
            report = pathlib.Path(folder) / "junit.xml"
            arguments = [
                "run", str(DOCUMENT), "--url", server.url, "--checks", ",".join(CHECKS),
                "--phases", "coverage,fuzzing", "--max-examples", str(options.examples),
                "--seed", str(options.seed), "--generation-database", "none",
                # They are put in at the end, by Callers.
                "--generation-with-security-parameters", "false", "--warnings", "off",
                "--continue-on-failure", "--request-timeout", str(CALL_SECONDS),
                "--report", "junit", "--report-junit-path", str(report), "--no-color",
                *(["--include-path-regex", options.only] if options.only else []),
            ]  # fmt: skip
            try:
                schemathesis.cli.schemathesis.main(arguments, prog_name="schemathesis", standalone_mode=False)
            except SystemExit as end:
                # 1 is failed tests, which the report tells of.
                if end.code not in (0, 1):
                    raise
            owner.sign_in()
            cases = xml.etree.ElementTree.parse(report).getroot().iter("testcase")
            wrong = {case.get("name") for case in cases if case.find("failure") is not None or case.find("error") is not None}
            wrong |= {label for label in CASES if re.search(options.only or "", CASES[label]["path"]) and not good(calls.things, label)}
    finally:
        server.stop()
    passed += len([label for label in calls.statuses if label not in wrong])
    failed += len(wrong)
    print(f"{calls.number} calls")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
