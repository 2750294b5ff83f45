"""Links and commands of the documents; see `tests/docs/run --help`."""

import contextlib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Where the documents say that the server is.
DOCUMENTED = "http://localhost:8080"
# What they store, and then read.
VALUE = "s3cr3t"
# Documents whose commands, one after the other, go from a sign-up to a read, and how often they print the value.
WALKS = {
    ("README.md",): 1,
    ("docs/quickstart.md", "docs/policies.md", "docs/canaries.md", "docs/rotation.md", "docs/secret-types.md", "docs/share-links.md",
     "docs/alerts.md", "docs/support.md"): 2,
}
# As somebody has them who pastes into a terminal; without the person's own settings.
SHELLS = {"bash": ["bash", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"]}
# A walk installs the SDK from PyPI.
WALK_SECONDS = 300


def documents():
    """All Markdown files that are part of the repository."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.splitlines()]


def without_code(text):
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S))


def anchors(document):
    """The headings' anchors, as GitHub makes them."""
    text = re.sub(r"^ *```.*?^ *```", "", document.read_text(), flags=re.M | re.S)
    found = set()
    for heading in re.findall(r"^#+ +(.*)$", text, flags=re.M):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", heading).replace(" ", "-"))
    return found


def dead_links(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(document.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        if not file.exists():
            yield f"{target}: there is no such file"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            yield f"{target}: there is no such heading"


def commands(document):
    """The commands of a document, block by block."""
    return re.findall(r"^ *```sh\n(.*?)^ *```", document.read_text(), flags=re.M | re.S)


def comments(document):
    """Comments between commands: zsh takes what is pasted for a command, and waits for the end of an apostrophe."""
    return re.findall(r"(?:^|\s)#\s.*", "".join(commands(document)))


@contextlib.contextmanager
def server():
    """A local server with nothing in it; its URL."""
    command = shlex.split(os.environ.get("SIKKERKEY_LOCAL") or "local/run")
    command += ["--port", "0", "--ephemeral"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().removeprefix("ready ").strip()
        finally:
            process.terminate()


def walk(documents_of_it, shell):
    """What goes wrong when the documents' commands are pasted; nothing if nothing does."""
    with server() as url, tempfile.TemporaryDirectory() as folder:
        blocks = [block for document in documents_of_it for block in commands(ROOT / document)]
        text = "".join(blocks).replace(DOCUMENTED, url)
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "TERM": "dumb", "LANG": "C.UTF-8"}
        done = subprocess.run(
            SHELLS[shell], input=text, cwd=folder, env=environment, capture_output=True, text=True, timeout=WALK_SECONDS,
            start_new_session=True, check=False,
        )
        said = done.stdout + done.stderr
    if printed := re.search(r"command not found.*|parse error.*|no matches found.*|curl: \(.*", said):
        return printed.group()
    times = len(re.findall(rf'{VALUE}\n|"value":"{VALUE}"', done.stdout))
    if refused := re.search(r'.*"error":.*', done.stdout):
        return refused.group()
    if times != WALKS[documents_of_it]:
        return f"the value was printed {times} times, not {WALKS[documents_of_it]}:\n{said[-2000:]}"
    return "the audit log is not shown" if '"entries":[' not in done.stdout else None


def main():
    sys.stdout.reconfigure(line_buffering=True)
    passed = failed = 0

    def check(name, problem):
        nonlocal passed, failed
        if problem:
            failed += 1
            print(f"FAILED {name}: {problem}")
        else:
            passed += 1
            print(f"ok {name}")

    for document in documents():
        check(f"links of {document.relative_to(ROOT)}", "; ".join(dead_links(document)))
        check(f"no comments between the commands of {document.relative_to(ROOT)}", "; ".join(comments(document)))
    for documents_of_it in WALKS:
        for shell in SHELLS:
            check(f"the commands of {' and '.join(documents_of_it)} in {shell}", walk(documents_of_it, shell))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
