#!/usr/bin/env python3
"""Compares the variables that sikkerkey-init.sh handed on with those of fixture.py.

  compare_env.py environment              this process's environment, after a shell has loaded the file
  compare_env.py github ENV_FILE STDOUT   what GitHub's runner would make of GITHUB_ENV, and the masks on STDOUT
  compare_env.py quiet FILE...            no line of any value is in these files
  compare_env.py warnings STDERR          each expected warning is there

Prints the differences and exits 1 if there are any.
"""

import os
import re
import sys

import fixture


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def differences(found):
    for name, value in fixture.VARIABLES.items():
        if found.get(name) != value:
            yield f"{name}: expected {value[:80]!r}, found {(found.get(name) or '')[:80]!r}"
    for name in found.keys() - fixture.VARIABLES.keys():
        yield f"{name}: not expected"


def run_folder(found):
    """The folder of the run, which later steps find as SIKKERKEY_HOME."""
    if not re.search(r"/runs/[A-Za-z0-9]{6}$", found.pop("SIKKERKEY_HOME", "")):
        yield "SIKKERKEY_HOME is not the folder of the run"


def environment():
    shells_own = {"PATH", "PWD", "OLDPWD", "SHLVL", "_", "HOME", "LC_ALL", "LC_CTYPE", "PYTHONDONTWRITEBYTECODE"}
    found = {name: value for name, value in os.environ.items() if name not in shells_own}
    yield from run_folder(found)
    yield from differences(found)


def parse_github(text):
    """NAME=VALUE lines and NAME<<DELIMITER blocks, as the runner reads them."""
    found, delimiters = {}, set()
    lines = text.split("\n")
    assert lines.pop() == "", "the file does not end with a line end"
    while lines:
        line = lines.pop(0)
        if match := re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*)<<(\S+)", line):
            end = lines.index(match[2])
            found[match[1]] = "\n".join(lines[:end])
            delimiters.add(match[2])
            del lines[: end + 1]
        else:
            name, _, value = line.partition("=")
            found[name] = value
    return found, delimiters


def github(env_file, stdout):
    found, delimiters = parse_github(read(env_file))
    if found.pop("EARLIER", None) != "kept":
        yield "what an earlier step wrote is gone"
    yield from run_folder(found)
    yield from differences(found)
    for delimiter in delimiters:
        if not re.fullmatch(r"sikkerkey_[0-9a-f]{32}", delimiter):
            yield f"the delimiter {delimiter} is not a random one"

    masks = set()
    for line in read(stdout).split("\n"):
        if line.startswith("::add-mask::"):
            masks.add(line.removeprefix("::add-mask::").replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%"))
        elif line:
            yield f"standard output has more than masks: {line[:80]!r}"
    for value in fixture.VARIABLES.values():
        for line in re.split(r"[\r\n]+", value):
            if len(line) >= 4 and line.strip() and line not in masks:
                yield f"not masked: {line[:80]!r}"
    yield from (f"a mask too short: {mask!r}" for mask in masks if len(mask) < 4)


def quiet(*paths):
    for path in paths:
        text = read(path)
        for secret in fixture.SECRETS:
            for line in re.split(r"[\r\n]+", secret["value"]):
                if len(line.strip()) > 3 and line in text:
                    yield f"{path} shows {line[:80]!r}"


def warnings(stderr):
    lines = read(stderr).splitlines()
    for warning in fixture.WARNINGS:
        if not any(line.startswith("sikkerkey: " + warning) for line in lines):
            yield f"no warning: {warning}"


if __name__ == "__main__":
    modes = {"environment": environment, "github": github, "quiet": quiet, "warnings": warnings}
    problems = list(modes[sys.argv[1]](*sys.argv[2:]))
    print("\n".join(problems))
    sys.exit(1 if problems else 0)
