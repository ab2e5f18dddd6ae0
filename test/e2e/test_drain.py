"""Ending: streams under way finish, nothing new is accepted, nothing is left behind."""

import json
import os
import signal
import socket
import threading
import urllib.parse

import pytest
from harness.installation import make, read_json
from harness.process import BIN, PATIENCE, clean_env, free_port, is_alive, is_open, run, wait_until
from harness.world import Answer


def port_of(url):
    return urllib.parse.urlsplit(url).port


def test_proxy_finishes_what_runs(tool, origin):
    own = tool.installation.start_proxy(f"drain-{tool.ns}")
    connection = tool.connect(own.url)
    connection.request("GET", tool.path("tool", "/drip"), headers={"Authorization": "Bearer " + tool.token("builder")})
    response = connection.getresponse()
    assert response.read(4) == b"half"
    own.popen.send_signal(signal.SIGTERM)
    wait_until(lambda: not is_open(port_of(own.url)), "the listener is closed")
    assert own.running()
    origin.release()
    assert response.read() == b"half"
    connection.close()
    assert own.popen.wait(20 * PATIENCE) == 0
    records = [json.loads(line) for line in own.audit.read_text().splitlines()]
    assert [r["status"] for r in records if r["path"].endswith("/drip")] == [200]


def test_proxy_gives_up_at_its_limit(tool):
    own = tool.installation.start_proxy(f"limit-{tool.ns}", "--drain-timeout", "300ms")
    connection = tool.connect(own.url)
    connection.request("GET", tool.path("tool", "/drip"), headers={"Authorization": "Bearer " + tool.token("builder")})
    assert connection.getresponse().read(4) == b"half"
    own.popen.send_signal(signal.SIGTERM)
    assert own.popen.wait(20 * PATIENCE) == 0
    connection.close()


def test_idle_connections_do_not_hold_it_up(tool):
    own = tool.installation.start_proxy(f"idle-{tool.ns}")
    connection = tool.connect(own.url)
    assert tool.reverse("tool", "/x", tool.token("builder"), connection=connection).status == 200
    with socket.create_connection(("127.0.0.1", port_of(own.url))):
        own.popen.send_signal(signal.SIGTERM)
        assert own.popen.wait(10 * PATIENCE) == 0
    connection.close()


@pytest.fixture
def embedded_only(kube_kind):
    if kube_kind == "real":
        pytest.skip("`connectors run` brings its own API server")


@pytest.fixture
def own(embedded_only, tmp_path):
    made = make("embedded", tmp_path / "i")
    yield made
    made.close()


def test_run_leaves_nothing(own):
    pids, ports = own.component_pids(), [port_of(own.endpoints["apiserver"]), port_of(own.proxy)]
    assert len(pids) == 4
    run(BIN, "stop", "--data-dir", own.data)
    assert own.main.popen.wait(30 * PATIENCE) == 0
    assert not [p for p in pids if is_alive(p)] and not [p for p in ports if is_open(p)]
    assert not (own.data / "endpoints.json").exists()
    # Again: nothing to stop is no failure of the machine, but is said.
    assert run(BIN, "stop", "--data-dir", own.data, ok=None).returncode in (0, 1, 4)


def test_restart_keeps_everything(own):
    own.cli("apply", "-f", "-", stdin='{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kept"},"data":{"a":"b"}}')
    own.kubectl("connectors-system")("patch", "configmap", "connectors-config", "--type=merge", "-p", '{"data":{"mine":"true"}}')
    run(BIN, "stop", "--data-dir", own.data)
    own.main.popen.wait(30 * PATIENCE)
    own.up()
    assert own.kubectl()("get", "configmap", "kept", "-o", "jsonpath={.data.a}") == "b"
    # The user's flags are not overwritten by the installation.
    assert own.kubectl("connectors-system")("get", "configmap", "connectors-config", "-o", "jsonpath={.data.mine}") == "true"


def test_a_killed_component_comes_back(own):
    def proxy_pid():
        return [p for p in own.component_pids() if b"proxy\0" in open(f"/proc/{p}/cmdline", "rb").read().split(b"--")[0] + b"\0"]
    (pid,) = proxy_pid()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: proxy_pid() and proxy_pid() != [pid], "another proxy runs")
    wait_until(lambda: is_open(port_of(own.proxy)), "it listens where it was")


def test_death_of_the_supervisor_takes_all_along(own):
    pids = own.component_pids()
    own.main.popen.kill()
    own.main.popen.wait()
    wait_until(lambda: not [p for p in pids if is_alive(p)], "no component outlives the supervisor")
    own.up()
    assert own.cli("get", "connectorclasses").stdout


def test_two_runs_cannot_share_a_directory(own):
    done = run(BIN, "run", "--data-dir", own.data, "--apiserver-listen", "127.0.0.1:0", "--proxy-listen", "127.0.0.1:0", ok=False)
    assert str(own.main.pid) in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_busy_port_names_its_owner(embedded_only, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        done = run(BIN, "run", "--data-dir", tmp_path / "d", "--apiserver-listen", "127.0.0.1:0", "--proxy-listen", f"127.0.0.1:{port}",
                   ok=False)
        assert str(port) in done.stderr and str(os.getpid()) in done.stderr, done.stderr


def test_detach_wait_stop(embedded_only, tmp_path):
    data, port = tmp_path / "d", free_port()
    early = threading.Thread(target=lambda: run(BIN, "wait", "--data-dir", data, "--timeout", "30s"))
    early.start()
    run(BIN, "run", "--detach", "--data-dir", data, "--apiserver-listen", f"127.0.0.1:{port}", "--proxy-listen", "127.0.0.1:0")
    try:
        endpoints = read_json(data / "endpoints.json")
        assert endpoints["apiserver"] == f"https://127.0.0.1:{port}" and set(endpoints["metrics"]) >= {"proxy", "controller"}
        early.join(30 * PATIENCE)
        assert not early.is_alive()
        run(BIN, "wait", "--data-dir", data)
        assert run(BIN, "get", "namespaces", "-o", "name", "--data-dir", data, env=clean_env(HOME=tmp_path)).stdout.split() == [
            f"namespace/{n}" for n in ("connectors-system", "default", "kube-public", "kube-system")]
    finally:
        run(BIN, "stop", "--data-dir", data)
    assert not is_open(port)
    assert run(BIN, "wait", "--data-dir", data, "--timeout", "100ms", ok=False).returncode == 5
