"""What a client is told when something is wrong: one line that says what to do, and never a secret."""

import json
import os
import socket
import urllib.parse

import pytest
from harness.kube import connectors, core
from harness.origin import Origin
from harness.process import free_port


def told(world, answer, status, reason):
    assert (answer.status, answer.reason) == (status, reason), answer.body
    message = answer.json["message"]
    assert "tool" in message and "\n" not in message
    for text in (message, str(answer.headers)):
        assert world.password not in text


def test_tool_down(tool, origin):
    origin.close()
    told(tool, tool.reverse("tool", "/x", tool.token("builder")), 502, "ToolUnreachable")


def test_tool_answers_garbage(tool):
    told(tool, tool.reverse("tool", "/garbage", tool.token("builder")), 502, "ToolBadResponse")


def test_tool_is_slow(tool, origin):
    slow = tool.installation.start_proxy(f"slow-{tool.ns}", "--response-timeout", "300ms")
    try:
        told(tool, tool.reverse("tool", "/hang", tool.token("builder"), proxy=slow.url), 504, "ToolTimeout")
        assert tool.reverse("tool", "/fine", tool.token("builder"), proxy=slow.url).status == 200
    finally:
        origin.release()
        slow.stop()


def test_connector_not_ready(world, origin):
    world.password = "unused"
    world.account("builder")
    world.bind("builder")
    world.connector("tool", origin.url, "missing", ready=False)
    answer = world.reverse("tool", "/x", world.token("builder"))
    told(world, answer, 503, "ConnectorNotReady")
    assert "SecretReady" in answer.json["message"] or "SecretNotFound" in answer.json["message"]


def test_unusable_secrets(world, origin):
    world.password = "unused"
    world.account("builder")
    world.bind("builder")
    world.secret("wrong-type", kind="Opaque", username="u", password="p")
    world.connector("tool-a", origin.url, "wrong-type", ready=False)
    assert world.condition("tool-a", "SecretReady")["reason"] == "SecretTypeMismatch"
    world.connector("tool-b", origin.url, "wrong-type", cls="missing-class", ready=False)
    assert world.condition("tool-b", "ConnectorClassReady")["reason"] == "ConnectorClassNotFound"
    object_ = world.connector_object("tool-c", origin.url, "wrong-type")
    object_["spec"]["auth"]["secretRef"]["namespace"] = "kube-system"
    world.api.create(connectors(world.ns), object_)
    world.wait_condition("tool-c", "SecretReady", "False", "SecretForbidden")
    for name in ("tool-a", "tool-b", "tool-c"):
        told(world, world.wait_status(503, name, token=world.token("builder")), 503, "ConnectorNotReady")
    assert not [r for r in origin.requests if any(h[0] == "Authorization" for h in r["headers"])]


def test_refused_destinations(world):
    """Link-local and metadata addresses are never dialled, whatever a Connector says; nor the API server."""
    world.password = "pw-unused"
    world.account("builder")
    world.bind("builder")
    world.secret("tool", username="u", password=world.password)
    apiserver = world.installation.endpoints["apiserver"]
    for i, address in enumerate(("http://169.254.169.254", "http://[fe80::1]:80", "http://0.0.0.0:80", apiserver, world.proxy)):
        world.connector(f"tool-{i}", address, "tool", ready=False)
        told(world, world.reverse(f"tool-{i}", "/latest/meta-data", world.token("builder")), 403, "DestinationRefused")


def test_forward_to_another_host(tool):
    """Not among the listed Connectors' addresses."""
    other = Origin()
    try:
        answer = tool.forward(f"{other.url}/x", ["tool"], tool.token("builder"))
        assert (answer.status, answer.reason) == (403, "DestinationRefused")
        assert not other.requests
    finally:
        other.close()


@pytest.mark.parametrize("name", ["c-{}.{}.svc", "c-{}.{}.svc.cluster.local", "C-{}.{}.svc:80"])
def test_reverse_by_host(tool, origin, name):
    connection = tool.connect()
    connection.request("GET", "/by-host", headers={"Host": name.format("tool", tool.ns), "Authorization": "Bearer " + tool.token("builder")})
    assert connection.getresponse().status == 200
    assert origin.seen("/by-host")
    connection.close()


def raw(url, data, seconds=10):
    """Sends bytes and returns all that comes back until the peer closes."""
    where = urllib.parse.urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=seconds) as s:
        s.sendall(data)
        got = b""
        while True:
            part = s.recv(65536)
            if not part:
                return got
            got += part


def test_host_and_path_that_differ(tool, origin):
    tool.connector("second", origin.url, "tool")
    head = f"GET {tool.path('tool')} HTTP/1.1\r\nHost: c-second.{tool.ns}.svc\r\nAuthorization: Bearer {tool.token('builder')}\r\n\r\n"
    got = raw(tool.proxy, head.encode())
    assert got.startswith(b"HTTP/1.1 421 ") and b"Misdirected" in got
    assert not [r for r in origin.requests if any(h[0] == "Authorization" for h in r["headers"])]


# --- objects


def test_oversized_object(world):
    """A request body over 3 MiB is 413, a Secret over 1 MiB 422 with its field."""
    big = "x" * (4 * 1024 * 1024)
    code, body = world.api.ask("POST", core(world.ns, "configmaps"), {"metadata": {"name": "big"}, "data": {"a": big}})
    assert code == 413, body
    code, body = world.api.ask("POST", core(world.ns, "secrets"), {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "big"}, "stringData": {"a": big[:1024 * 1024 + 1]}})
    assert code == 422 and body["reason"] == "Invalid", body
    assert "data" in [c["field"] for c in body["details"]["causes"]][0]


BAD_OBJECTS = {
    "no address": (lambda s: s.pop("address"), "spec.address"),
    "address is a number": (lambda s: s.update(address=1), "spec.address"),
    "address is no URL": (lambda s: s.update(address="ftp://x"), "spec.address"),
    "secretRef without name": (lambda s: s["auth"].update(secretRef={}), "spec.auth.secretRef.name"),
    "params is a map": (lambda s: s.update(params={"a": "b"}), "spec.params"),
}


@pytest.mark.parametrize("case", sorted(BAD_OBJECTS))
def test_malformed_object_is_refused_by_field(world, origin, case):
    change, field = BAD_OBJECTS[case]
    object_ = world.connector_object("bad", origin.url, "tool")
    change(object_["spec"])
    code, body = world.api.ask("POST", connectors(world.ns), object_)
    assert code == 422 and body["reason"] == "Invalid", body
    assert field in [c["field"] for c in body["details"]["causes"]], body


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"kind":"Connector"', "not json", '{"metadata":{"name":"a"}}' * 2])
def test_body_that_is_no_object(world, text):
    code, body = world.api.ask("POST", connectors(world.ns), text or "{}{")
    assert code == 400 and body["kind"] == "Status", body


def test_deeply_nested_object(world):
    deep = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"d"},"x":' + '{"a":' * 20000 + "1" + "}" * 20001
    code, body = world.api.ask("POST", core(world.ns, "configmaps"), deep)
    assert code in (400, 413, 422), body
    assert world.api.ask("GET", "/readyz")[0] == 200


def test_apiserver_knows_nobody_without_credentials(kube):
    """Only health is open."""
    api = kube.api(token="not-a-token")
    assert api.ask("GET", "/api/v1/namespaces")[0] == 401
    api.token = ""
    code, body = api.ask("GET", "/api/v1/namespaces/default/secrets")
    assert code in (401, 403) and body["kind"] == "Status"
    assert api.ask("GET", "/healthz")[0] == 200


def test_connection_to_a_closed_port_names_it(world):
    world.password = "unused"
    world.account("builder")
    world.bind("builder")
    world.secret("tool", username="u", password="p-" + os.urandom(4).hex())
    port = free_port()
    world.connector("tool", f"http://127.0.0.1:{port}", "tool", ready=False)
    assert world.condition("tool", "LivenessReady")["reason"] == "ConnectionFailed"
    answer = world.reverse("tool", "/x", world.token("builder"))
    told(world, answer, 502, "ToolUnreachable")
    assert json.loads(answer.body)["status"] == "Failure"
