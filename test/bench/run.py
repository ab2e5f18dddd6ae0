"""Measures against peers and prints one table.  See README.md for the method."""

import base64
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BIN = os.environ.get("CONNECTORS_BIN", str(TOP / "build" / "connectors"))
OUT = TOP / "build" / "bench"
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = os.environ.get("SECONDS_PER_ROUND", "4")
TICKS = os.sysconf("SC_CLK_TCK")
RESULTS = []


def need(*packages):
    """Installs the Debian packages that are missing."""
    missing = [p for p in packages if not is_installed(p)]
    if missing:
        run = dict(check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["apt-get", "update", "-qq"], **run)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], **run)


def is_installed(package):
    query = ["dpkg-query", "-Wf", "${Status}", package]
    return "ok installed" in subprocess.run(query, capture_output=True, text=True).stdout


def result(name, unit, value, goal, *, floor=None, peer=None, peer_value=None, higher=False):
    """Records one figure; `goal` is a number in the unit, or ("ratio", limit against the peer)."""
    ratio = value / peer_value if peer_value else None
    measured, limit = (ratio, goal[1]) if isinstance(goal, tuple) else (value, goal)
    met = measured >= limit if higher else measured <= limit
    RESULTS.append(
        dict(name=name, unit=unit, value=round(value, 3), floor=floor and round(floor, 3), peer=peer,
             peer_value=peer_value and round(peer_value, 3), ratio=ratio and round(ratio, 3),
             goal=f"{'>=' if higher else '<='} {limit}{' x peer' if isinstance(goal, tuple) else ''}",
             met=bool(met)))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(check, seconds, what):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():
            return
        time.sleep(0.005)
    raise SystemExit(f"bench: {what} did not happen within {seconds} s")


def is_open(port):
    with socket.socket() as s:
        s.settimeout(0.2)
        return s.connect_ex(("127.0.0.1", port)) == 0


def children(pid):
    """The process and all that descend from it."""
    found = [pid]
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parent = int(Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += children(int(entry))
    return found


def cpu_us(pid):
    """User and system time of a process tree in microseconds."""
    total = 0
    for p in children(pid):
        fields = Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total * 1_000_000 / TICKS


def resident_mib(pid):
    total = 0
    for p in children(pid):
        for line in Path(f"/proc/{p}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                total += int(line.split()[1])
    return total / 1024


@contextmanager
def process(argv, cpu=None, **kw):
    """A process for the duration, pinned to `cpu` when given; ended by its own PID."""
    if cpu is not None:
        argv = ["taskset", "-c", str(cpu), *argv]
    kw.setdefault("stdout", subprocess.DEVNULL)
    kw.setdefault("stderr", subprocess.DEVNULL)
    p = subprocess.Popen(argv, **kw)
    try:
        yield p
    finally:
        p.send_signal(signal.SIGTERM)
        try:
            p.wait(20)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


def connectors(*args, data, stdin=None):
    env = dict(os.environ, KUBECONFIG=str(Path(data) / "kubeconfig"))
    done = subprocess.run([BIN, *args], input=stdin, capture_output=True, text=True, env=env)
    if done.returncode != 0:
        raise SystemExit(f"bench: connectors {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def system(data):
    """`connectors run` on free ports; yields the process and its endpoints."""
    argv = [BIN, "run", "--data-dir", str(data), "--apiserver-listen", "127.0.0.1:0",
            "--proxy-listen", "127.0.0.1:0", "--allow-destination", "127.0.0.0/8"]
    endpoints = Path(data) / "endpoints.json"
    with process(argv) as p:
        wait_for(endpoints.exists, 30, "connectors run ready")
        yield p, json.loads(endpoints.read_text())


def bench_run_ready(tmp):
    seconds, memory = [], []
    for i in range(ROUNDS):
        start = time.monotonic()
        with system(tmp / f"ready{i}") as (p, _):
            seconds.append(time.monotonic() - start)
            memory.append(resident_mib(p.pid))
    result("run-ready", "s", statistics.median(seconds), 1.0)
    result("run-resident", "MiB", statistics.median(memory), 100)


def nginx_origin(tmp, port):
    return f"""server {{ listen 127.0.0.1:{port} backlog=1024; keepalive_requests 100000000;
        location / {{ default_type text/plain; return 200 "{'x' * 100}"; }} }}"""


def nginx_proxy(port, upstream, secret):
    return f"""upstream origin {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 100000000; }}
        server {{ listen 127.0.0.1:{port} backlog=1024; keepalive_requests 100000000;
        location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
        proxy_set_header Authorization "{secret}"; }} }}"""


def nginx(tmp, name, server, cpu):
    conf = tmp / f"{name}.conf"
    conf.write_text(f"""daemon off; worker_processes 1; pid {tmp}/{name}.pid; error_log /dev/null;
        events {{ worker_connections 4096; }}
        http {{ access_log off; client_body_temp_path {tmp}/{name}-b; proxy_temp_path {tmp}/{name}-p;
        fastcgi_temp_path {tmp}/{name}-f; uwsgi_temp_path {tmp}/{name}-u; scgi_temp_path {tmp}/{name}-s;
        {server} }}""")
    return process([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(conf)], cpu=cpu)


MANIFEST = """
apiVersion: v1
kind: Namespace
metadata: {name: bench}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: load, namespace: bench}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: load, namespace: bench}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: connectors-user}
subjects: [{kind: ServiceAccount, name: load, namespace: bench}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: bench-admin}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: load, namespace: bench}]
---
apiVersion: v1
kind: Secret
metadata: {name: origin, namespace: bench}
type: kubernetes.io/basic-auth
stringData: {username: user, password: bench-password}
---
apiVersion: connectors.alauda.io/v1alpha1
kind: Connector
metadata: {name: origin, namespace: bench}
spec:
  connectorClassName: http
  address: http://127.0.0.1:%d
  auth: {name: basicAuth, secretRef: {name: origin}}
"""


def wrk(url, connections, *options):
    """Runs wrk on CPU 1; returns the requests it completed.  Any other status than 2xx ends the run."""
    argv = ["taskset", "-c", "1", "wrk", "-t", "1", "-c", str(connections), "-d", f"{SECONDS}s", *options, url]
    out = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"bench: {url}: unexpected answers\n{out}")
    return int(next(line for line in out.splitlines() if "requests in" in line).split()[0])


def measure(pid, url, *options):
    before = cpu_us(pid)
    requests = wrk(url, 64, *options)
    return (cpu_us(pid) - before) / requests


def bench_reverse(tmp):
    need("wrk", "nginx-light")
    origin, peer, floor, ours, metrics = (free_port() for _ in range(5))
    data = tmp / "reverse"
    secret = "Basic " + base64.b64encode(b"user:bench-password").decode()
    subprocess.run(["gcc", "-O2", "-o", str(tmp / "relay"), str(TOP / "test/bench/relay.c")], check=True)
    with ExitStack() as stack:
        stack.enter_context(nginx(tmp, "origin", nginx_origin(tmp, origin), 1))
        p_peer = stack.enter_context(nginx(tmp, "peer", nginx_proxy(peer, origin, secret), 0))
        p_floor = stack.enter_context(process([str(tmp / "relay"), str(floor), str(origin)], cpu=0))
        stack.enter_context(system(data))
        connectors("apply", "-f", "-", data=data, stdin=MANIFEST % origin)
        token = connectors("token", "-n", "bench", "--sa", "load", data=data).strip()
        p_ours = stack.enter_context(process(
            [BIN, "proxy", "--kubeconfig", str(data / "pki" / "proxy.kubeconfig"), "--threads", "1",
             "--listen", f"127.0.0.1:{ours}", "--metrics-listen", f"127.0.0.1:{metrics}",
             "--proxy-address", f"http://127.0.0.1:{ours}", "--allow-destination", "127.0.0.0/8"], cpu=0))
        url = f"http://127.0.0.1:{ours}/namespaces/bench/connectors/origin/"
        auth = {"Authorization": f"Bearer {token}"}
        for port in (origin, peer, floor):
            wait_for(lambda: is_open(port), 10, f"port {port} open")
        wait_for(lambda: answers(url, auth), 20, "the proxy forwards")
        figures = {"ours": [], "nginx": [], "relay": []}
        for _ in range(ROUNDS):
            figures["relay"].append(measure(p_floor.pid, f"http://127.0.0.1:{floor}/"))
            figures["nginx"].append(measure(p_peer.pid, f"http://127.0.0.1:{peer}/"))
            figures["ours"].append(measure(p_ours.pid, url, "-H", f"Authorization: Bearer {token}"))
    median = {k: statistics.median(v) for k, v in figures.items()}
    result("reverse-100B", "cpu us/request", median["ours"], ("ratio", 1.3), floor=median["relay"],
           peer="nginx", peer_value=median["nginx"])


def answers(url, headers):
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=2).status == 200
    except OSError:
        return False


CREATE_LUA = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"bench-"},"data":{"k":"%s"}}'
""" % ("v" * 200)


def bench_creates(tmp):
    need("wrk")
    data = tmp / "creates"
    lua = tmp / "create.lua"
    lua.write_text(CREATE_LUA)
    with system(data) as (p, endpoints):
        connectors("apply", "-f", "-", data=data, stdin=MANIFEST % 9)
        token = connectors("token", "-n", "bench", "--sa", "load", "--audience", "", data=data).strip()
        url = endpoints["apiserver"] + "/api/v1/namespaces/bench/configmaps"
        rates = []
        for _ in range(max(2, ROUNDS // 2)):
            start = time.monotonic()
            done = wrk(url, 16, "-s", str(lua), "-H", f"Authorization: Bearer {token}")
            rates.append(done / (time.monotonic() - start))
    result("apiserver-creates", "1/s", statistics.median(rates), 1000, floor=fsync_rate(tmp), higher=True)


def fsync_rate(tmp):
    """How many 4 KiB appends with fsync one writer gets per second here."""
    with open(tmp / "fsync", "wb") as f:
        start, count = time.monotonic(), 0
        while time.monotonic() - start < 1:
            f.write(b"x" * 4096)
            f.flush()
            os.fdatasync(f.fileno())
            count += 1
    return float(count)


BENCHES = {"run-ready": bench_run_ready, "reverse": bench_reverse, "creates": bench_creates}


def print_table():
    row = "{:<20}{:>16}{:>12}{:>12}{:>10}{:>12}{:>8}  {:<16}{}"
    print(row.format("name", "unit", "value", "floor", "peer", "peer value", "ratio", "goal", "met"))
    for r in RESULTS:
        cells = [r[k] if r[k] is not None else "-" for k in
                 ("name", "unit", "value", "floor", "peer", "peer_value", "ratio", "goal")]
        print(row.format(*cells, "yes" if r["met"] else "NO"))


def main():
    names = sys.argv[1:] or list(BENCHES)
    unknown = [n for n in names if n not in BENCHES]
    if unknown:
        raise SystemExit(f"bench: no benchmark '{unknown[0]}'; there are {', '.join(BENCHES)}")
    with tempfile.TemporaryDirectory(prefix="connectors-bench-") as tmp:
        for name in names:
            BENCHES[name](Path(tmp))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "results.json").write_text(json.dumps(RESULTS, indent=2) + "\n")
    print_table()


if __name__ == "__main__":
    main()
