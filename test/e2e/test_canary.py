"""The stored credential is nowhere but in its Secret and at the tool; the workload's token only where the workload is.

Unique values, the most verbose logs, an installation of its own that does the main job in every mode; then everything that it left behind is
searched, in every form a program could have written it.
"""

import glob
import os
import signal
import subprocess
import threading
import urllib.parse
from pathlib import Path

import pytest
from harness import installation, traces
from harness.gitserver import GitServer, git_env
from harness.kube import core
from harness.origin import Origin
from harness.process import BIN, PATIENCE, children, clean_env, run, wait_until
from harness.world import World

# The tool's own files are the tool's; what a real cluster keeps in its etcd is the Secret itself. Our state.db is searched.
TOOL_FILES = (r"/git/(password|users|requests\.log)$", r"/cluster/etcd/")


@pytest.fixture(scope="module")
def canary(kube_kind, tmp_path_factory):
    """An installation at trace level, a Git server, a recording tool, one namespace with a Connector for each."""
    base = tmp_path_factory.mktemp("canary")
    own = installation.make(kube_kind, base / "i", log_level="trace", alone=True)
    server, origin = GitServer(base / "git"), Origin()
    world = World(own, f"canary-{os.getpid()}")
    world.base, world.server, world.origin = base, server, origin
    world.password = server.password
    world.bearer = "bearer-" + os.urandom(16).hex() + "/+"
    world.account("builder")
    world.bind("builder")
    world.secret("git", username="git", password=server.password)
    world.secret("bearer", kind="connectors.cpaas.io/bearer-token", token=world.bearer)
    world.connector("git", server.url, "git")
    world.connector("api", origin.url, "bearer", cls="http", auth="bearerTokenAuth")
    world.wanted = traces.forms(server.password, "git") | traces.forms(world.bearer)
    yield world
    world.close()
    own.close()
    server.close()
    origin.close()


class Lookout(threading.Thread):
    """Looks at the arguments and environments of all processes again and again, so that short-lived ones are seen too."""

    def __init__(self, wanted, tool):
        super().__init__(daemon=True)
        self.wanted, self.tool, self.halt, self.looks, self.found = wanted, tool, threading.Event(), 0, []

    def run(self):
        while not self.halt.is_set():
            self.found += traces.in_processes(self.wanted, but=self.tool)
            self.looks += 1

    def end(self):
        self.halt.set()
        self.join()


@pytest.fixture(scope="module")
def used(canary):
    """The main job in every mode, and every kind of failure; all that clients were told is collected."""
    w, said = canary, []
    # The tool's own CGI programs get the request's Authorization in their environment.
    w.lookout = Lookout(w.wanted, f"GIT_PROJECT_ROOT={w.server.dir}/".encode())
    w.lookout.start()
    bare = w.server.new_repository("canary")
    url, work = f"{w.server.url}/{bare.name}", w.base / "work"
    script = 'set -e; git clone "$1" "$2"; head -c 99 /dev/urandom >"$2/f"; git -C "$2" add f; git -C "$2" commit -m f; git -C "$2" push origin HEAD:main'
    trace = {"GIT_TRACE_CURL": "1", "GIT_TRACE": "1"}
    for i, mode in enumerate(("gitconfig", "none")):
        done = w.cli("exec", "-v", "--sa", "builder", "-c", "git", "--config", mode, "--", "sh", "-c", script, "sh", url, f"{work}{i}",
                     env=git_env(**trace))
        said.append(done.stdout + done.stderr)
    w.plain_token = w.token("builder")
    plain = w.proxy.replace("http://", f"http://x:{w.plain_token}@") + w.path("git", f"/{bare.name}")
    done = run("sh", "-c", script, "sh", plain, f"{work}-plain", env=git_env(**trace))
    said.append(done.stdout + done.stderr)
    forward = w.proxy.replace("http://", f"http://{urllib.parse.quote(w.ns + '/git', safe='')}:{w.plain_token}@")
    done = run("sh", "-c", script, "sh", url, f"{work}-forward", env=git_env(http_proxy=forward, **trace))
    said.append(done.stdout + done.stderr)
    for rest in ("/ok", "/echo", "/cookie", "/status/401", "/status/500", "/garbage", f"/redirect?to={w.origin.url}/x", "/a%2F..%2Fb"):
        for token in (w.plain_token, "bad", None):
            answer = w.reverse("api", rest, token)
            said.append(str(answer.headers))
            if answer.status != 200:  # 200 is the origin's own copy of the request
                said.append(answer.body.decode(errors="replace"))
    for verb in (["get", "connectors", "-o", "yaml"], ["describe", "connector", "git"], ["get", "events", "-o", "yaml"]):
        said.append(w.cli(*verb).stdout)
    w.metrics = ""
    for url_ in w.installation.endpoints["metrics"].values():
        base = url_.rsplit("/metrics", 1)[0]
        w.metrics += run("curl", "-s", f"{base}/metrics", f"{base}/readyz", f"{base}/healthz").stdout
    wait_until(lambda: len([r for r in w.audit() if r["path"].endswith("git-receive-pack")]) >= 4, "the audit log is written")
    w.said = "\n".join([*said, w.metrics])
    w.lookout.end()
    return w


def test_the_tools_saw_the_credential(used):
    """Else nothing below means anything."""
    assert [r for r in used.server.requests() if r[0] == "git" and r[2].endswith("git-receive-pack")]
    assert [r for r in used.origin.requests if ["Authorization", f"Bearer {used.bearer}"] in r["headers"]]


def test_search_finds_what_is_there(used):
    """The search itself works, on the tool's own file and on an encoded copy."""
    assert traces.in_files(used.server.dir, used.wanted)
    for form in (used.wanted, traces.forms("x" + used.bearer)):
        assert traces.holds(b"...." + next(iter(form)), form)


def test_no_file_holds_the_credential(used):
    assert traces.in_files(used.base, used.wanted, TOOL_FILES) == []


def test_no_answer_or_output_holds_the_credential(used):
    assert traces.holds(used.said.encode(), used.wanted) is None


@pytest.fixture
def workload(used):
    """A command that runs under exec until the test is over; it has told what its proxy variable holds."""
    p = subprocess.Popen([BIN, "exec", "-n", used.ns, "--sa", "builder", "-c", "git", "--", "sh", "-c", 'echo "$http_proxy"; read line'],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_env(KUBECONFIG=used.installation.kubeconfig))
    p.token = urllib.parse.urlsplit(p.stdout.readline().strip()).password
    yield p
    p.communicate("\n", timeout=30 * PATIENCE)


def test_no_process_holds_the_credential(used, workload):
    """Arguments and environments of every process on the machine, all the time, and while a workload runs."""
    assert used.lookout.looks > 3
    assert used.lookout.found == []
    assert traces.in_processes(used.wanted) == []


def test_only_the_workload_holds_its_token(used, workload):
    """The token of exec is in the environment of its command, and in files that nobody outside can see."""
    token = {workload.token.encode(), workload.token.split(".")[2].encode()}
    (command,) = children(workload.pid)
    assert traces.in_processes(token) == [(command, "environ")]
    mounted = dict(v.split("=", 1) for v in Path(f"/proc/{command}/environ").read_text().split("\0") if "=" in v)["CONNECTORS_DIR"]
    inside = Path(f"/proc/{command}/root{mounted}/.gitconfig")
    assert workload.token in inside.read_text() and inside.stat().st_mode & 0o077 == 0
    assert not Path(mounted, ".gitconfig").exists(), "the files are visible outside"
    assert traces.in_files(used.base, token) == []


def test_core_files_are_off(used, workload):
    """For each component of the installation, and for exec, which holds the token."""
    for pid in [*used.installation.component_pids(), workload.pid]:
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file size")] == [["0", "0"]], pid


# Root's rights would let it look into everything, and would hide what it is that keeps others out.
UNPRIVILEGED = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []


def may_look(pid):
    """Whether a process of the same user may read the environment, for which it takes what it takes to read the memory."""
    done = run(*UNPRIVILEGED, "cat", f"/proc/{pid}/environ", ok=None, env=clean_env(LC_ALL="C"))
    assert done.returncode == 0 or "Permission denied" in done.stderr
    return done.returncode == 0


def test_the_same_user_may_not_look_into_a_component(kube_kind, kube, tmp_path):
    control = subprocess.Popen([*UNPRIVILEGED, "sleep", "60"])
    try:
        wait_until(lambda: "sleep" in os.readlink(f"/proc/{control.pid}/exe"), "the other program runs")
        assert may_look(control.pid), "nobody may look at anything here: the test could not fail"
        for name in ["proxy", "controller"] + ["apiserver"] * (kube_kind == "embedded"):
            p = by_hand(kube, tmp_path, name, UNPRIVILEGED)
            assert not may_look(p.pid), name
            p.stop()
            kube.processes.remove(p)
    finally:
        control.kill()
        control.wait()


def test_logs_are_verbose_and_hold_no_token(used):
    """The ServiceAccount's token is in no log, audit record or file of ours; only in the plain clone's own configuration."""
    logs = list(used.installation.dir.glob("**/*.jsonl")) + list(used.installation.dir.glob("*.log"))
    assert any("builder" in f.read_text(errors="replace") for f in logs)
    signature = used.plain_token.split(".")[2].encode()
    found = traces.in_files(used.base, {used.plain_token.encode(), signature}, TOOL_FILES)
    assert [Path(f).relative_to(used.base).as_posix() for f in found] == ["work-plain/.git/config"]
    assert "eyJ" not in "".join(f.read_text(errors="replace") for f in logs)
    assert "connectors_" in used.metrics and "eyJ" not in used.metrics


def test_exec_leaves_no_token(used):
    """The clones made by exec or with a proxy variable hold no token, and no directory of exec is left."""
    for clone in ("work0", "work1", "work-forward"):
        assert traces.in_files(used.base / clone, {b"eyJ"}) == []
    assert [d for d in glob.glob(os.environ.get("XDG_RUNTIME_DIR", "/tmp") + "/connectors-exec-*") if os.listdir(d)] == []


def test_secret_is_unreadable_in_the_database(used, kube_kind):
    """Encrypted whole: not even an annotation can be read."""
    if kube_kind == "real":
        return  # what a real cluster's etcd holds is its administrator's business
    used.api.create(core(used.ns, "secrets"), {"apiVersion": "v1", "kind": "Secret", "metadata": {
        "name": "noted", "annotations": {"note": "annotation-canary"}}, "stringData": {"k": "data-canary"}})
    used.api.create(core(used.ns, "configmaps"), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain"},
                                                  "data": {"k": "configmap-canary"}})
    data = b"".join(f.read_bytes() for f in used.installation.data.glob("state.db*"))
    assert b"configmap-canary" in data
    assert traces.holds(data, traces.forms("annotation-canary") | traces.forms("data-canary") | used.wanted) is None


def test_data_directory_is_private(used, kube_kind):
    if kube_kind == "real":
        return
    data = used.installation.data
    assert data.stat().st_mode & 0o777 == 0o700
    open_files = [str(f) for f in data.glob("**/*") if f.is_file() and f.stat().st_mode & 0o077]
    assert [f for f in open_files if f.endswith((".key", "kubeconfig", ".db", "-wal", "-shm", ".jsonl"))] == []


@pytest.mark.parametrize("signo", [signal.SIGSEGV, signal.SIGABRT], ids=lambda s: s.name)
def test_a_crash_leaves_no_core(kube_kind, kube, tmp_path, signo, monkeypatch):
    """Each component with credentials in its memory, although cores are allowed."""
    own = "handle_segv=0:handle_abort=0:disable_coredump=0"  # a sanitizer must not be what prevents it
    monkeypatch.setenv("ASAN_OPTIONS", f"{os.environ.get('ASAN_OPTIONS', '')}:{own}".lstrip(":"))
    away = tmp_path / "control"
    away.mkdir()
    control = subprocess.Popen(["sh", "-c", f"ulimit -c unlimited; kill -{signo.name[3:]} $$"], cwd=away)
    assert os.WCOREDUMP(os.waitpid(control.pid, 0)[1]), "this machine allows no cores: the test could not fail"
    control.returncode = -signo
    starts = {
        "proxy": lambda: kube.start_proxy(f"crash-{signo.name}", cwd=tmp_path, core_limit=-1),
        "controller": lambda: by_hand(kube, tmp_path, "controller"),
    }
    if kube_kind == "embedded":
        starts["apiserver"] = lambda: by_hand(kube, tmp_path, "apiserver")
    for name, start in starts.items():
        p = start()
        p.popen.send_signal(signo)
        _, status = os.waitpid(p.pid, 0)
        p.popen.returncode = -signo
        kube.processes.remove(p)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signo, (name, status)
        assert not os.WCOREDUMP(status), name
    assert not [f for f in tmp_path.rglob("*core*") if f.is_file() and away not in f.parents]


def by_hand(kube, directory, name, prefix=()):
    address = directory / f"{name}.json"
    flags = {
        "controller": ["--kubeconfig", getattr(kube, "controller_kubeconfig", None) or kube.data / "pki" / "controller.kubeconfig",
                       "--metrics-listen", "127.0.0.1:0", "--proxy-address", kube.proxy],
        "proxy": ["--kubeconfig", kube.proxy_kubeconfig, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--audit-log",
                  directory / "audit.jsonl"],
        "apiserver": ["--data-dir", directory / "state", "--listen", "127.0.0.1:0"],
    }[name]
    p = kube.start(f"crash-{name}", *prefix, BIN, name, *flags, "--address-file", address, cwd=directory, core_limit=-1)
    p.wait_ready(address.exists, "address file")
    address.unlink()
    return p
