"""One started program, its log, and waiting for what it does."""

import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BIN = os.environ.get("CONNECTORS_BIN", str(TOP / "build" / "connectors"))
# Sanitizers and two busy cores make everything slower, never wrong.
PATIENCE = 4 if any(v in BIN for v in ("asan", "tsan")) else 1
POLL_S = 0.005


def wait_until(holds, what, seconds=15):
    """Polls until holds() returns something true and returns that; fails at the deadline."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        got = holds()
        if got:
            return got
        assert time.monotonic() < deadline, f"{what}: not within {seconds * PATIENCE} s"
        time.sleep(POLL_S)


def free_port():
    """A port below the ephemeral range, so that no client socket takes it before it is used."""
    while True:
        port = 30000 + int.from_bytes(os.urandom(2), "big") % 2000
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def is_open(port):
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex(("127.0.0.1", port)) == 0


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def children(pid):
    """Ids of the process's children."""
    try:
        return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def clean_env(**more):
    """Our environment without what would steer git, curl and kubectl."""
    steering = ("GIT_", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "KUBECONFIG", "MAKE", "MFLAGS")
    env = {k: v for k, v in os.environ.items() if not k.startswith(steering)}
    return {**env, **{k: str(v) for k, v in more.items()}}


class Process:
    """A program in the background; its output goes to a log file."""

    def __init__(self, name, argv, log, env=None, cwd=None, core_limit=None):
        self.name, self.log = name, Path(log)

        def limit_core():
            resource.setrlimit(resource.RLIMIT_CORE, (core_limit, core_limit))

        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                env=env or clean_env(), cwd=cwd, start_new_session=True,
                preexec_fn=limit_core if core_limit is not None else None)
        self.pid = self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def wait_ready(self, holds, what, seconds=20):
        """As wait_until, but fails at once when the program has ended."""
        def ready():
            assert self.running(), f"{self.name} ended with {self.popen.returncode}: {self.tail()}"
            return holds()
        return wait_until(ready, f"{self.name}: {what}", seconds)

    def stop(self, signo=signal.SIGTERM, seconds=45):
        """Ends the program and returns its exit code."""
        if self.running():
            self.popen.send_signal(signo)
        try:
            return self.popen.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"{self.name} did not end within {seconds * PATIENCE} s: {self.tail()}") from None

    def tail(self, size=4000):
        return self.log.read_bytes()[-size:].decode(errors="replace") if self.log.exists() else ""


def run(*argv, env=None, stdin=None, ok=True, timeout=120, cwd=None):
    """Runs a program to its end. ok: True must succeed, False must fail, None either; returns CompletedProcess."""
    done = subprocess.run([str(a) for a in argv], input=stdin, capture_output=True, text=True, env=env or clean_env(),
                          timeout=timeout * PATIENCE, cwd=cwd, stdin=subprocess.DEVNULL if stdin is None else None)
    assert ok is None or (done.returncode == 0) == ok, \
        f"{' '.join(map(str, argv))[:300]}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done
