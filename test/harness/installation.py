"""Connectors running on this machine, in one of two ways that tests cannot tell apart.

Embedded: `connectors run`. Real: a real control plane (test/kube), with controller and proxy started by hand as the ServiceAccounts that
config/rbac gives their rights.
"""

import json
import os
import re
import shlex
import signal
from pathlib import Path

from harness.kube import Api, Kubectl
from harness.process import BIN, TOP, Process, children, clean_env, free_port, run

ALLOW = ["--allow-destination", "127.0.0.0/8", "--allow-destination", "::1"]
FINDING = re.compile(rb"(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:|assertion failed")
CLUSTER = TOP / "test" / "kube" / "cluster.sh"


def read_json(path):
    try:
        return json.loads(Path(path).read_text())
    except (OSError, ValueError):
        return None


class Installation:
    """Common to both: kubeconfig (administrator), proxy (URL), audit (file), logs (directory), dir, processes."""

    def __init__(self, directory, log_level="debug"):
        self.dir, self.log_level, self.processes = Path(directory), log_level, []
        self.dir.mkdir(parents=True, exist_ok=True)

    def api(self, token=None):
        return Api(self.kubeconfig, token)

    def kubectl(self, ns="default"):
        return Kubectl(self.kubeconfig, ns, self.dir)

    def cli(self, *args, ok=True, stdin=None, env=None):
        """Runs our own command as administrator; returns CompletedProcess."""
        return run(BIN, *args, ok=ok, stdin=stdin, env={**(env or clean_env()), "KUBECONFIG": str(self.kubeconfig)})

    def start(self, name, *argv, **more):
        p = Process(name, argv, self.dir / f"{name}.log", **more)
        self.processes.append(p)
        return p

    def start_proxy(self, name, *flags, **more):
        """One more proxy of the same installation; it has .url, .metrics, .audit."""
        port, address, audit = free_port(), self.dir / f"{name}.json", self.dir / f"{name}.audit.jsonl"
        address.unlink(missing_ok=True)
        p = self.start(name, BIN, "proxy", "--kubeconfig", self.proxy_kubeconfig, "--listen", f"127.0.0.1:{port}", "--proxy-address",
                       f"http://127.0.0.1:{port}", "--metrics-listen", "127.0.0.1:0", "--address-file", address, "--audit-log", audit,
                       "--log-level", self.log_level, *ALLOW, *flags, **more)
        where = p.wait_ready(lambda: read_json(address), "address file")
        p.url, p.metrics, p.audit = where["proxy"], where["metrics"], audit
        return p

    def logs(self):
        """Each log file's end, for a failed test."""
        files = sorted({*self.dir.glob("**/*.jsonl"), *self.dir.glob("*.log")})
        return "\n".join(f"--- {f}\n{f.read_bytes()[-3000:].decode(errors='replace')}" for f in files)

    def stop_processes(self):
        """Ends all, in reverse order; a process that ends badly or a sanitizer's finding in any log is a failure."""
        ended = [(p.name, p.stop(), p.tail()) for p in reversed(self.processes)]
        self.processes.clear()
        assert [e for e in ended if e[1] not in (0, -signal.SIGKILL)] == []
        logs = {*self.dir.glob("*.log"), *self.dir.glob("*/log/*.jsonl")}
        found = {str(f): FINDING.search(f.read_bytes()) for f in logs}
        assert not any(found.values()), {f: Path(f).read_text()[m.start():][:3000] for f, m in found.items() if m}


class Embedded(Installation):
    """`connectors run` in a data directory of its own."""

    def __init__(self, directory, log_level="debug", alone=True):
        super().__init__(directory, log_level)
        self.data = self.dir / "data"
        self.kubeconfig, self.audit, self.logdir = self.data / "kubeconfig", self.data / "audit.jsonl", self.data / "log"
        self.proxy_kubeconfig = self.data / "pki" / "proxy.kubeconfig"

    def up(self):
        (self.data / "endpoints.json").unlink(missing_ok=True)
        self.main = self.start("run", BIN, "run", "--data-dir", self.data, "--apiserver-listen", "127.0.0.1:0", "--proxy-listen",
                               "127.0.0.1:0", "--log-level", self.log_level, cwd=self.dir)
        self.endpoints = self.main.wait_ready(lambda: read_json(self.data / "endpoints.json"), "endpoints.json", 30)
        self.proxy = self.endpoints["proxy"]

    def component_pids(self):
        return [self.main.pid, *children(self.main.pid)]

    def close(self):
        self.stop_processes()


class Real(Installation):
    """Components started by hand on a real control plane: the one of CONNECTORS_TEST_KUBECONFIG, or (alone) one of its own."""

    def __init__(self, directory, log_level="debug", alone=False):
        super().__init__(directory, log_level)
        self.alone, self.own_cluster = alone, None

    def up(self):
        env = self.cluster()
        self.kubeconfig, self.cluster_dir = Path(env["CONNECTORS_TEST_KUBECONFIG"]), env["CONNECTORS_TEST_KUBE_DIR"]
        self.logdir = self.dir
        self.install()
        self.controller_kubeconfig = self.identity("connectors-controller")
        self.proxy_kubeconfig = self.identity("connectors-proxy")
        main = self.start_proxy("proxy")
        self.proxy, self.audit = main.url, main.audit
        self.endpoints = {"apiserver": env["CONNECTORS_TEST_APISERVER"], "proxy": main.url, "metrics": {"proxy": main.metrics}}
        self.start_controller()

    def cluster(self):
        if os.environ.get("CONNECTORS_TEST_KUBECONFIG") and not self.alone:
            return os.environ
        self.own_cluster = self.dir / "cluster"
        words = shlex.split(run(CLUSTER, "up", self.own_cluster, timeout=900).stdout)
        env = dict(w.split("=", 1) for w in words if "=" in w)
        os.environ["CONNECTORS_TEST_KUBECTL"] = env["CONNECTORS_TEST_KUBECTL"]
        return env

    def install(self):
        kubectl = Kubectl(self.kubeconfig, None, self.dir)
        kubectl("apply", "-f", TOP / "config" / "00-crds")
        kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", TOP / "config" / "00-crds")
        kubectl("apply", "-k", TOP / "config")

    def identity(self, account):
        path = self.dir / f"{account}.kubeconfig"
        run(CLUSTER, "kubeconfig", self.cluster_dir, "connectors-system", account, path)
        return path

    def start_controller(self):
        address = self.dir / "controller.json"
        p = self.start("controller", BIN, "controller", "--kubeconfig", self.controller_kubeconfig, "--proxy-address", self.proxy,
                       "--metrics-listen", "127.0.0.1:0", "--address-file", address, "--log-level", self.log_level, *ALLOW)
        self.endpoints["metrics"]["controller"] = p.wait_ready(lambda: read_json(address), "address file")["metrics"]

    def component_pids(self):
        return [p.pid for p in self.processes]

    def close(self):
        self.stop_processes()
        if self.own_cluster:
            run(CLUSTER, "down", self.own_cluster)


def make(kind, directory, **more):
    """Starts one of the two; leaves nothing behind when that fails."""
    made = {"embedded": Embedded, "real": Real}[kind](directory, **more)
    try:
        made.up()
    except BaseException:
        made.close()
        raise
    return made
