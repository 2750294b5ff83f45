"""Servers that stand in for AWS: started on 127.0.0.1, awaited, and ended with all that they started."""

import contextlib
import ctypes
import fcntl
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
REGION = "us-east-1"
# What the emulators take for the account's owner.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
}

# Of Linux: a new network namespace, and switching an interface on (linux/sched.h, linux/sockios.h, linux/if.h).
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1

START_SECONDS = 60
STOP_SECONDS = 15


class Broken(Exception):
    """A program did not do what it is for; the text says which, and what it said."""


def end_on_signals():
    """A signal to end comes as an exception, so that what was started is stopped; another one changes nothing."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(*_):
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        sys.exit(0)

    for number in numbers:
        signal.signal(number, end)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def emulator_program(name):
    """A program of the environment that runs this."""
    return str(pathlib.Path(sys.executable).parent / name)


def target():
    return pathlib.Path(os.environ["CARGO_TARGET_DIR"])


def bare_environment(folder, **more):
    """An environment with nothing of the caller's in it that functions could see."""
    folders = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "TMPDIR": str(folder)}
    return {**folders, "LANG": "C.UTF-8", **CREDENTIALS, **more}


def processes():
    """Every process: its number and the moment of its start, which together name it for good, and its parent."""
    found = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # What comes after the name, which may hold anything, begins with the third field.
            fields = stat.read_text().rpartition(")")[2].split()
            found[int(stat.parent.name), fields[19]] = int(fields[1])
    return found


def descendants(pid):
    """The processes that a process started, and those that these started."""
    known = processes()
    found, todo = set(), [pid]
    while todo:
        parent = todo.pop()
        started = {process for process, of in known.items() if of == parent}
        found |= started
        todo += [number for number, _ in started]
    return found


class Server:
    """A process that listens. Its output goes to a file in `folder`."""

    def __init__(self, name, command, port, folder, environment=None, cwd=ROOT):
        self.name = name
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = pathlib.Path(folder, f"{name}.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self):
        try:
            self._await_listener()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def _await_listener(self):
        """Until it takes connections."""
        end = time.monotonic() + START_SECONDS
        while True:
            if self.process.poll() is not None:
                raise Broken(f"{self.name} ended at its start:\n{self.tail()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            if time.monotonic() > end:
                raise Broken(f"{self.name} does not listen:\n{self.tail()}")
            time.sleep(0.02)

    def tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self):
        """Asks it to end, and kills what is left of it and of what it started."""
        started = descendants(self.process.pid)
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        self.process.kill()
        self.process.wait()
        for pid, _ in started & processes().keys():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def dynamodb_local(folder):
    """Amazon's own DynamoDB for one machine, in memory. It listens on all addresses; see `alone`."""
    port = free_port()
    library = pathlib.Path(os.environ["CARGO_TARGET_DIR"], "tools", "dynamodb-local", "lib")
    command = ["java", f"-Djava.library.path={library}", "-cp", f"{library}/*"]
    command += ["software.amazon.dynamodb.services.local.main.ServerRunner"]
    command += ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
    return Server("dynamodb-local", command, port, folder, bare_environment(folder))


def alone():
    """Puts this process, and what it starts from now on, into a network of its own that has nothing but loopback."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))


def moto(folder):
    """KMS."""
    port = free_port()
    command = [emulator_program("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    return Server("moto", command, port, folder, bare_environment(folder))


def ministack(folder, roles=False):
    """DynamoDB and the rest of AWS. With `roles` every call is held to the caller's rights, and deployed functions find
    DynamoDB, KMS, Lambda and SES here."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "MINISTACK_REGION": REGION}
    # It would listen for devices too.
    settings["IOT_MTLS_ENABLED"] = "0"
    if roles:
        settings["AUTH"] = "true"
        settings.update((f"AWS_ENDPOINT_URL_{service}", url) for service in ("DYNAMODB", "KMS", "LAMBDA", "SESV2"))
    command = [sys.executable, str(ROOT / "tests" / "runtimes" / "emulator.py")]
    return Server("ministack", command, port, folder, bare_environment(folder, **settings))
