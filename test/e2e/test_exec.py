"""`connectors exec`: a command runs as a workload, and nothing of it is left."""

import json
import os
import re
import signal
import subprocess

from harness.kube import core
from harness.process import BIN, PATIENCE, clean_env, is_alive, wait_until


def pods(world):
    return world.api.get(core(world.ns, "pods") + "?labelSelector=connectors.alauda.io/exec")["items"]


def sh(world, script, *flags, env=None, **more):
    return world.cli("exec", "--sa", "builder", "-c", "tool", *flags, "--", "sh", "-c", script, env=env, **more)


def test_environment(tool, origin):
    got = sh(tool, "env; stat -c '%a %F' \"$CONNECTORS_DIR\"; stat -f -c %T \"$CONNECTORS_DIR\"; ls -A \"$CONNECTORS_DIR\"").stdout
    env = dict(line.split("=", 1) for line in got.splitlines() if "=" in line)
    proxy = re.fullmatch(r"http://([^:]+):([^@]+)@(.+)", env["http_proxy"])
    assert proxy.group(1) == f"{tool.ns}%2Ftool" and tool.proxy == f"http://{proxy.group(3)}"
    assert env["http_proxy"] == env["HTTP_PROXY"] == env["https_proxy"] == env["HTTPS_PROXY"]
    assert env["no_proxy"] == env["NO_PROXY"]
    assert "127.0.0.1" not in env["no_proxy"].split(",")
    assert "700 directory\ntmpfs\n.gitconfig\n" in got


def test_the_pod_record(tool):
    """While the command runs there is a gated Pod that no node will run; at its end it is gone."""
    name = sh(tool, 'sleep 60 & wait_pid=$!; echo started; kill $wait_pid').stdout
    assert name == "started\n"
    running = start(tool)
    (pod,) = wait_until(lambda: pods(tool), "the Pod record")
    assert pod["spec"]["serviceAccountName"] == "builder" and pod["spec"]["schedulingGates"]
    assert pod["metadata"]["annotations"]["connectors.alauda.io/exec-expires"]
    finish(running)
    wait_until(lambda: not pods(tool), "the Pod record is gone")


def start(world, script="echo ready; read line; exit 7", **more):
    argv = [BIN, "exec", "-n", world.ns, "--sa", "builder", "-c", "tool", "--", "sh", "-c", script]
    p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         env=clean_env(KUBECONFIG=world.installation.kubeconfig), **more)
    assert p.stdout.readline() == "ready\n", p.stderr.read()
    return p


def finish(p):
    p.communicate("go on\n", timeout=30 * PATIENCE)
    return p.returncode


def test_exit_codes_pass(tool):
    assert sh(tool, "exit 0").returncode == 0
    assert sh(tool, "exit 7", ok=False).returncode == 7
    assert sh(tool, "kill -KILL $$", ok=False).returncode == 128 + signal.SIGKILL
    missing = tool.cli("exec", "--sa", "builder", "-c", "tool", "--", "/nonexistent/program", ok=False)
    assert missing.returncode == 127 and "/nonexistent/program" in missing.stderr
    assert not pods(tool)


def test_standard_streams_pass(tool):
    argv = [BIN, "exec", "-n", tool.ns, "--sa", "builder", "-c", "tool", "--", "cat"]
    got = subprocess.run(argv, input=b"\0binary\xff" * 1000, capture_output=True, timeout=60 * PATIENCE, check=True,
                         env=clean_env(KUBECONFIG=tool.installation.kubeconfig))
    assert got.stdout == b"\0binary\xff" * 1000 and got.stderr == b""


def test_terminated(tool):
    """SIGTERM reaches the command; its code is ours; the Pod record and the files are gone."""
    p = start(tool, "trap 'exit 33' TERM; echo ready; while :; do read line || exit 1; done")
    (pod,) = pods(tool)
    p.send_signal(signal.SIGTERM)
    p.communicate("x\n", timeout=30 * PATIENCE)
    assert p.returncode == 33
    wait_until(lambda: not pods(tool), "the Pod record is gone")
    assert pod["metadata"]["name"]


def test_killed(tool):
    """kill -9 of exec ends the command too or leaves it without files; the Pod's expiry lets the controller clean up."""
    p = start(tool)
    (pod,) = pods(tool)
    p.kill()
    p.wait()
    past = {"metadata": {"annotations": {"connectors.alauda.io/exec-expires": "2020-01-01T00:00:00Z"}}}
    tool.api.merge(core(tool.ns, "pods", pod["metadata"]["name"]), past)
    wait_until(lambda: not pods(tool), "the controller deletes the expired Pod record", 30)


def test_the_token_ends_with_the_command(tool):
    """The token is bound to the Pod record: at the end of the command it is worth nothing."""
    got = sh(tool, "echo $http_proxy").stdout
    token = re.search(r":([^:@]+)@", got).group(1)
    assert tool.wait_status(401, "tool", token=token).reason == "InvalidToken"


def test_files_are_private(tool):
    """The tmpfs is in exec's own mount namespace: others see an empty directory or none."""
    p = start(tool, 'echo ready; read line; test -s "$CONNECTORS_DIR/.gitconfig"')
    child = int(open(f"/proc/{p.pid}/task/{p.pid}/children").read().split()[0])
    environ = dict(e.split("=", 1) for e in open(f"/proc/{child}/environ").read().split("\0") if "=" in e)
    directory = environ["CONNECTORS_DIR"]
    assert os.path.exists(f"/proc/{child}/root{directory}/.gitconfig")
    assert not os.path.exists(f"{directory}/.gitconfig")
    assert os.readlink(f"/proc/{child}/ns/mnt") != os.readlink("/proc/self/ns/mnt")
    assert finish(p) == 0
    assert not os.path.exists(directory) and not is_alive(child)


def test_without_files(tool):
    got = sh(tool, 'ls -A "$CONNECTORS_DIR"; echo "count $GIT_CONFIG_COUNT"', "--config", "none").stdout
    assert got == "count \n"


def test_several_connectors(tool, origin):
    tool.connector("second", origin.url + "/second", "tool")
    got = tool.cli("exec", "--sa", "builder", "-c", "tool,second", "--", "sh", "-c", "echo $http_proxy; cat $CONNECTORS_DIR/.gitconfig").stdout
    assert f"{tool.ns}%2Ftool,{tool.ns}%2Fsecond:" in got
    assert origin.url + "/second/" in got and got.count("[url ") == 2


def test_curl_through_the_environment(tool, origin):
    """Any client that knows http_proxy reaches the tool by its own URL."""
    got = sh(tool, f"curl -sf {origin.url}/by-curl?x=1").stdout
    assert json.loads(got)["path"] == "/by-curl?x=1"
    assert origin.seen("/by-curl")


def test_without_permission(tool, origin):
    """exec does not decide: the account it runs as needs the permission."""
    tool.account("stranger")
    got = tool.cli("exec", "--sa", "stranger", "-c", "tool", "--", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", origin.url).stdout
    assert got == "403"


def test_a_connector_that_gets_no_address(world, origin):
    """Waits a few seconds, then says which condition is in the way."""
    world.account("builder")
    world.connector("tool", origin.url, cls="no-such-class", ready=False)
    done = world.cli("exec", "--sa", "builder", "-c", "tool", "--", "true", ok=False)
    assert done.returncode == 125 and "ConnectorClassNotFound" in done.stderr
    assert not pods(world)
