"""Starts that are cut off or cannot succeed."""

import contextlib
import math
import os
import select
import shutil
import signal
import socket
import sqlite3
import subprocess

from harness import STOP_TIMEOUT_SECONDS
from world import STORE, Person, Server, command, kill, launch, read, refused, start_in_vain

FIRST_STARTS = 24
NOBODY = 65534
TRACE = ("strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=all")
# Each and its number: those of the key file, and of whatever may come to be done to put it in place.
# Some while keys are written, the others while files change places.
REWRAP_CALLS = (("pwrite64", 12), ("pwrite64", 30), ("/^rename", 1), ("/^rename", 2), ("/^link", 1), ("fsync", 3))
FIRST_CALLS = (("write", 1), ("write", 2), ("fsync", 1), ("fsync", 2), ("fsync", 3), ("/^rename", 1))


def run(tally, folder, random, _):
    first_starts(tally, folder, random)
    first_calls(tally, folder / "first-calls")
    port_in_use(tally, folder / "port")
    unwritable(tally, folder)
    mismatched(tally, folder)
    rewrapped(tally, folder / "rewrapped")


# First starts


def first_starts(tally, folder, random):
    """Kills the first start on a folder at points spread over all that it writes; the next start has to finish it."""
    whole = folder / "whole"
    process, writes = watch(whole)
    with guarded_process(process):
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_TIMEOUT_SECONDS)
    reference = tables(whole)

    starts = tally.check("after a first start that was killed, the next one gets ready")
    same = tally.check("after a first start that was killed, the next one makes the same tables and settings")
    works = tally.check("after a first start that was killed, the next one does the main job")
    with works, same, starts:
        for number in range(FIRST_STARTS):
            own = folder / f"killed-{number}"
            # Each in its own slice, so that together they cover it all; the first one before anything is written.
            after = int(writes * (number + random.random()) / FIRST_STARTS) if number else 0
            with guarded_process(watch(own, after)[0]):
                pass
            for check in (starts, same, works):
                check.where = f"killed after {after} of {writes} bytes: "
            with guarded(starts), Server(own) as server:
                starts.cases += 1
                with guarded(works):
                    works.equal(main_job(server), (200, "value"), "a signed read")
                server.end(signal.SIGTERM)
                with guarded(same):
                    found = tables(own)
                    names = sorted(reference.keys() | found.keys())
                    other = [name for name in names if reference.get(name) != found.get(name)]
                    same.that(not other, f"missing or other than they should be: {', '.join(other)}")


@contextlib.contextmanager
def guarded(check):
    """What goes wrong inside is a problem of this check, and the loop around goes on."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  any failure is a finding
        check.that(False, f"{type(error).__name__}: {error}")


@contextlib.contextmanager
def guarded_process(process):
    """Kills it at the end, if it is still there."""
    try:
        yield
    finally:
        kill(process)
        process.stdout.close()
        process.stderr.close()


def written(folder):
    """The bytes in all files below a folder."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += os.stat(os.path.join(path, name)).st_size
    return total


def watch(folder, size=math.inf, before=()):
    """Starts a server and returns its process, and the most bytes that were in its folder, as soon as these are `size`
    or it is ready or gone. `before` comes before the command."""
    process, most = launch(folder, before), 0
    try:
        # Without a pause: what is waited for takes a millisecond.
        while process.poll() is None and (most < size or not folder.exists()):
            most = max(most, written(folder))
            if select.select([process.stdout], [], [], 0)[0]:
                break
    except BaseException:
        kill(process)
        raise
    return process, most


def tables(folder):
    """What the store's file consists of, without its rows. Reads the file of the embedded store as it is."""
    with contextlib.closing(sqlite3.connect(f"file:{folder / STORE}?mode=ro", uri=True)) as connection:
        objects = dict(connection.execute("SELECT name, sql FROM sqlite_master"))
        columns = "table_name, key_schema, gsi_definitions, ttl_attribute, ttl_enabled"
        settings = connection.execute(f"SELECT {columns} FROM _tables")
        return {**objects, **{f"settings of {name}": rest for name, *rest in settings}}


def main_job(server):
    """From sign-up to a signed read: its status and value."""
    owner = Person(server)
    project, machine = owner.project(), owner.machine()
    secret = owner.secret(project, "value")
    owner.admit(machine, project, secret)
    answer = read(server.url, machine, secret)
    owner.records()
    return answer


def first_calls(tally, folder):
    """Kills the first start at a chosen system call, which no look at files from outside is fast enough for: the key
    file is there, and its bytes are not yet."""
    title = "after a first start that was killed at one of its first writes, the next one does the main job"
    if not traceable():
        print(f"not run, for want of strace or of the right to trace: {title}")
        return
    with tally.check(title) as check:
        for call, number in FIRST_CALLS:
            own = folder / f"{call.strip('/^')}-{number}"
            check.where = f"killed at {call} number {number}: "
            with guarded_process(watch(own, before=(*TRACE, "-e", f"inject={call}:signal=KILL:when={number}"))[0]):
                pass
            with guarded(check), Server(own) as server:
                check.equal(main_job(server), (200, "value"), "a signed read")


def traceable():
    try:
        return subprocess.run([*TRACE, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


# Starts that cannot succeed


def port_in_use(tally, folder):
    with tally.check("a port in use: exit code 1 and one line that says so") as check, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(check, start_in_vain(folder, port), port, "--port")
    with tally.check("and the folder is free for the next start") as check, Server(folder) as server:
        check.equal(main_job(server), (200, "value"), "a signed read")


def mismatched(tally, folder):
    """A store and a key that do not belong together, or of which one is missing, empty or damaged."""
    whole = folder / "together"
    with Server(whole) as server:
        main_job(server)
        server.end(signal.SIGTERM)
    original = (whole / STORE).read_bytes()
    ways = {
        "another key": ("is not the key that", "server.key", os.urandom(32)),
        "an empty store": ("is empty or is no store", STORE, b""),
        "a store that is something else": ("is empty or is no store", STORE, b"not a store at all" * 1_000),
        "a store of which most is lost": ("restore it", STORE, original[:8_192]),
        "a store without its pages": ("restore it", STORE, original[:100] + bytes(len(original) - 100)),
        "no store": ("is missing beside", STORE, None),
        "no key": ("is missing, and without it", "server.key", None),
    }
    for what, (said, name, content) in ways.items():
        own = folder / f"mismatched-{what.replace(' ', '-')}"
        shutil.copytree(whole, own)
        if content is None:
            (own / name).unlink()
        else:
            (own / name).write_bytes(content)
        before = {file.name: file.read_bytes() for file in own.iterdir()}
        with tally.check(f"{what}: exit code 1, one line that says what to restore, and nothing is written") as check:
            refused(check, start_in_vain(own), said, own)
            after = {file.name: file.read_bytes() for file in own.iterdir() if file.name in (STORE, "server.key")}
            check.equal(after, {name: before[name] for name in after}, "the files")
            check.equal(set(after), set(before) & {STORE, "server.key"}, "the names of the files")
    with tally.check("what was copied whole starts again") as check:
        shutil.copytree(whole, folder / "copied")
        with Server(folder / "copied") as server:
            check.equal(server.end(signal.SIGTERM), 0, "exit code")


def rewrapped(tally, folder):
    """A backup is put under a new server key, whole or killed on the way: what was stored is read, and the old key opens
    nothing of it any more."""
    whole = folder / "whole"
    with Server(whole) as server:
        owner = Person(server)
        project, machine = owner.project(), owner.machine()
        secret = owner.secret(project, "value")
        owner.admit(machine, project, secret)
        for _ in range(8):
            owner.project()
        with tally.check("the keys of a folder in use are not wrapped again") as check:
            refused(check, start_in_vain(whole, more=["--rewrap"]), "in use")
        server.end(signal.SIGTERM)
    old = (whole / "server.key").read_bytes()
    title = "keys that were wrapped again open under the new server key alone"
    if traceable():
        title += ", also when that was killed on the way and begun again"
    with tally.check(title) as check:
        for number, kill_at in enumerate((None, *(REWRAP_CALLS if traceable() else ()))):
            own = folder / f"copy-{number}"
            shutil.copytree(whole, own)
            check.where = f"killed at {kill_at}: " if kill_at else ""
            if kill_at:
                call, when = kill_at
                trace = (*TRACE, "-e", f"inject={call}:signal=KILL:when={when}")
                killed = subprocess.run([*trace, *command(own), "--rewrap"], capture_output=True, check=False)
                check.that(killed.returncode != 0, "it was not killed")
                if (own / "server.next").exists():
                    refused(check, start_in_vain(own), "--rewrap once more")
            done = subprocess.run([*command(own), "--rewrap"], capture_output=True, text=True, check=False)
            check.equal((done.returncode, done.stderr), (0, ""), f"exit code and standard error, {done.stdout}")
            check.that("wrapped under a new server key" in done.stdout, done.stdout)
            check.that((own / "server.key").read_bytes() != old, "the key is the old one")
            check.equal((own / "server.key.1").read_bytes(), old, "what is kept of the old key")
            with Server(own) as server:
                check.equal(read(server.url, machine, secret), (200, "value"), "a signed read")
                owner.moved(server)
                told = [record for record in owner.records().values() if record["action"] == "keys_rewrap"]
                check.equal(len(told), 1, "records of it")
                server.end(signal.SIGTERM)
            shutil.copy(own / "server.key.1", own / "server.key")
            refused(check, start_in_vain(own), "is not the key that")


def unwritable(tally, folder):
    file = folder / "file"
    file.write_text("not a folder")
    for what, path in (("a file", file), ("inside a file", file / "data")):
        with tally.check(f"a data folder that is {what}: exit code 1 and one line that names it") as check:
            refused(check, start_in_vain(path), path)
            check.equal(file.read_text(), "not a folder", "the file")
    closed = folder / "closed"
    closed.mkdir()
    (closed / "existing").mkdir()
    (closed / "existing").chmod(0o555)
    closed.chmod(0o555)
    folder.chmod(0o711)
    # Modes do not stop root; somebody else starts it then.
    user = NOBODY if os.geteuid() == 0 else None
    for what, path in (("below a folder", closed / "data"), ("a folder", closed / "existing")):
        with tally.check(f"{what} that may not be written: exit code 1 and one line that names it") as check:
            refused(check, start_in_vain(path, user=user), path)
