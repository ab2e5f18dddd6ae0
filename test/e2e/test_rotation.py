"""A change applies to the next request, with no restart and no dropped connection."""

import base64

from harness.kube import connectors, core
from harness.origin import header
from harness.process import wait_until
from harness.world import basic


def last(origin, part):
    return header(origin.seen(part)[-1], "Authorization")


def test_secret_changed_by_kubectl(tool, origin):
    token, connection = tool.token("builder"), tool.connect()
    assert tool.reverse("tool", "/before", token, connection=connection).status == 200
    assert last(origin, "/before") == [basic("bot", tool.password)]
    new = base64.b64encode(b"rotated-password").decode()
    tool.kubectl("patch", "secret", "tool", "--type=merge", "-p", f'{{"data":{{"password":"{new}"}}}}')

    def rotated():
        assert tool.reverse("tool", "/after", token, connection=connection).status == 200
        return last(origin, "/after") == [basic("bot", "rotated-password")]
    wait_until(rotated, "the new password is used", 2)
    assert connection.sock is not None


def test_secret_deleted_and_made_again(tool, origin):
    token = tool.token("builder")
    assert tool.reverse("tool", "/x", token).status == 200
    tool.kubectl("delete", "secret", "tool")
    answer = tool.wait_status(503, "tool", token=token)
    assert answer.reason == "ConnectorNotReady" and "SecretReady" in answer.json["message"]
    tool.wait_condition("tool", "SecretReady", "False", "SecretNotFound")
    tool.wait_condition("tool", "Ready", "False", "SecretNotFound")
    tool.secret("tool", username="bot", password="second")
    tool.wait_status(200, "tool", "/again", token=token)
    assert last(origin, "/again") == [basic("bot", "second")]
    tool.wait_condition("tool", "Ready", "True")


def test_connector_changes_secret_and_address(tool, origin):
    token = tool.token("builder")
    tool.secret("other", username="second", password="p2")
    tool.api.merge(connectors(tool.ns, "tool"), {"spec": {"address": f"{origin.url}/sub", "auth": {"secretRef": {"name": "other"}}}})

    def moved():
        assert tool.reverse("tool", "/moved", token).status == 200
        return origin.seen("/sub/moved")
    wait_until(moved, "the new address is used", 2)
    assert last(origin, "/sub/moved") == [basic("second", "p2")]
    # Never the new place with the old credential.
    assert {tuple(header(r, "Authorization")) for r in origin.seen("/sub/moved")} == {(basic("second", "p2"),)}


def test_ca_changed(world, tls_origin, ca):
    world.account("builder")
    world.bind("builder")
    world.secret("tool", username="bot", password="p")
    world.secret("ca", kind="Opaque", **{"ca.crt": "not a certificate"})
    world.connector("tls", tls_origin.url, "tool", ca="ca", ready=False)
    assert world.wait_condition("tls", "CACertReady", "False")["reason"] == "InvalidPEM"
    token = world.token("builder")
    assert world.reverse("tls", "/x", token).reason == "ToolTLSFailed"
    world.api.merge(core(world.ns, "secrets", "ca"), {"stringData": {"ca.crt": ca[0].read_text()}})
    world.wait_status(200, "tls", "/good", token=token)
    world.wait_condition("tls", "CACertReady", "True", "Valid")
    world.wait_condition("tls", "Ready", "True")
