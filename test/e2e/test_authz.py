"""Who may: permission is asked for each request and ends when the reason for it ends."""

import json
import threading
import time

import pytest
from harness.kube import core, rbac
from harness.process import PATIENCE, wait_until

REVOKE_S = 0.1


def denied(world, answer, status, reason):
    assert (answer.status, answer.reason) == (status, reason)
    assert answer.headers["Content-Type"].startswith("application/json")
    body = answer.json
    assert (body["kind"], body["code"], body["reason"]) == ("Status", status, reason)
    assert body["message"] and "\n" not in body["message"]
    assert world.password not in str(answer.headers) and world.password.encode() not in answer.body


def test_no_token(tool, origin):
    answer = tool.reverse("tool", "/no-token")
    denied(tool, answer, 401, "NoToken")
    assert answer.headers["WWW-Authenticate"].startswith('Basic realm="connectors"')
    assert not origin.seen("/no-token")


def test_no_token_in_forward_mode(tool, origin):
    answer = tool.forward(f"{origin.url}/no-token", ["tool"])
    assert answer.status == 407 and answer.reason == "NoToken"
    assert answer.headers["Proxy-Authenticate"].startswith("Basic")
    assert not origin.seen("/no-token")


BAD_TOKENS = {
    "garbage": lambda t: "garbage",
    "wrong signature": lambda t: t[:-20] + "A" * 20,
    "no signature": lambda t: t.rsplit(".", 1)[0] + ".",
    "alg none": lambda t: "eyJhbGciOiJub25lIn0." + t.split(".")[1] + ".",
    "another payload": lambda t: ".".join([t.split(".")[0], "eyJzdWIiOiJhZG1pbiJ9", t.split(".")[2]]),
    "cut": lambda t: t[:50],
    "long": lambda t: "a" * 20000,
}


@pytest.mark.parametrize("case", sorted(BAD_TOKENS))
def test_bad_token(tool, origin, case):
    answer = tool.reverse("tool", "/bad", BAD_TOKENS[case](tool.token("builder")))
    denied(tool, answer, 401, "InvalidToken")
    assert "invalid_token" in answer.headers["WWW-Authenticate"]
    assert not origin.seen("/bad")


def test_token_of_another_audience(tool, origin):
    answer = tool.reverse("tool", "/aud", tool.token("builder", audiences=["somebody-else"]))
    denied(tool, answer, 401, "InvalidToken")
    assert not origin.seen("/aud")


def test_token_of_the_api_servers_audience(tool):
    """As documented: `kubectl create token` works unless --accept-apiserver-audience=false."""
    assert tool.reverse("tool", "/api-aud", tool.token("builder", audiences=None)).status == 200
    strict = tool.installation.start_proxy(f"strict-{tool.ns}", "--accept-apiserver-audience=false")
    try:
        assert tool.reverse("tool", "/x", tool.token("builder"), proxy=strict.url).status == 200
        denied(tool, tool.reverse("tool", "/x", tool.token("builder", audiences=None), proxy=strict.url), 401, "InvalidToken")
    finally:
        strict.stop()


def test_without_permission(tool, origin):
    """An account of the namespace that nobody bound; and one that is bound in another namespace only."""
    tool.account("stranger")
    denied(tool, tool.reverse("tool", "/denied", tool.token("stranger")), 403, "ConnectorForbidden")
    denied(tool, tool.forward(f"{origin.url}/denied", ["tool"], tool.token("stranger")), 403, "ConnectorForbidden")
    assert not origin.seen("/denied")


def test_unknown_connector(tool):
    """404 only to who may `get` it; a stranger cannot tell what exists."""
    denied(tool, tool.reverse("missing", "/", tool.token("builder")), 404, "ConnectorNotFound")
    tool.account("stranger")
    denied(tool, tool.reverse("missing", "/", tool.token("stranger")), 403, "ConnectorForbidden")


def test_permission_by_name(world, origin):
    """A Role with resourceNames allows that Connector and no other."""
    world.password = "pw-by-name"
    world.account("builder")
    world.secret("tool", username="bot", password=world.password)
    world.connector("mine", origin.url, "tool")
    world.connector("other", origin.url, "tool")
    world.api.create(rbac(world.ns, "roles"), {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "one"},
        "rules": [{"apiGroups": ["connectors.alauda.io"], "resources": ["connectors"], "resourceNames": ["mine"], "verbs": ["get"]}]})
    world.api.create(rbac(world.ns, "rolebindings"), {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "one"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "one"},
        "subjects": [{"kind": "ServiceAccount", "name": "builder", "namespace": world.ns}]})
    token = world.token("builder")
    world.wait_status(200, "mine", token=token)
    denied(world, world.reverse("other", "/", token), 403, "ConnectorForbidden")


def test_the_first_use_after_a_grant(tool):
    """A cached refusal does not outlive the grant by more than a moment."""
    tool.account("late")
    token = tool.token("late")
    assert tool.reverse("tool", "/", token).status == 403
    tool.bind("late")
    tool.wait_status(200, "tool", token=token)


class DeletionSeen:
    """Watches one RoleBinding and notes when its deletion was announced."""

    def __init__(self, world, name):
        self.at, path = None, rbac(world.ns, "rolebindings")
        rv = world.api.get(path)["metadata"]["resourceVersion"]
        self.ready = threading.Event()

        def follow():
            self.ready.set()
            for event in world.api.watch(path, rv, timeout=30):
                if event["type"] == "DELETED" and event["object"]["metadata"]["name"] == name:
                    self.at = time.monotonic()
                    return
        self.thread = threading.Thread(target=follow, daemon=True)
        self.thread.start()
        self.ready.wait()


def test_deleted_rolebinding_refuses_within_100_ms(tool, origin):
    """Requests go on without pause; those begun 100 ms after the watch event are all refused."""
    token, connection = tool.token("builder"), tool.connect()
    for _ in range(20):
        assert tool.reverse("tool", "/warm", token, connection=connection).status == 200
    seen = DeletionSeen(tool, "builder-uses")
    tool.api.delete(rbac(tool.ns, "rolebindings", "builder-uses"))
    begun = []

    def refused():
        begun.append((time.monotonic(), tool.reverse("tool", "/after", token, connection=connection).status))
        return begun[-1][1] == 403 and seen.at is not None
    wait_until(refused, "a refusal")
    late = [t - seen.at for t, status in begun if status == 200]
    assert max(late, default=0) < REVOKE_S * PATIENCE, late
    # And it stays so: an answer of the API server that was late does not allow anything again.
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        assert tool.reverse("tool", "/after", token, connection=connection).status == 403
    connection.close()


def test_token_ends_with_its_pod(tool):
    pod = tool.pod("p", "builder")
    token = tool.token("builder", pod=pod)
    assert tool.reverse("tool", "/", token).status == 200
    tool.api.delete(core(tool.ns, "pods", "p"))
    denied(tool, tool.wait_status(401, "tool", token=token), 401, "InvalidToken")


def test_token_ends_when_its_pod_completes(tool):
    """The API server goes on accepting such a token; we do not."""
    pod = tool.pod("p", "builder")
    token = tool.token("builder", pod=pod)
    assert tool.reverse("tool", "/", token).status == 200
    tool.api.merge(core(tool.ns, "pods", "p", "status"), {"status": {"phase": "Succeeded"}})
    denied(tool, tool.wait_status(401, "tool", token=token), 401, "InvalidToken")


def test_token_ends_with_its_account(tool):
    token = tool.token("builder")
    assert tool.reverse("tool", "/", token).status == 200
    tool.api.delete(core(tool.ns, "serviceaccounts", "builder"))
    tool.wait_status(401, "tool", token=token)
    # The name alone is not the identity: a new account of the same name does not revive the old token.
    tool.account("builder")
    assert tool.reverse("tool", "/", token).status == 401
    tool.wait_status(200, "tool", token=tool.token("builder"))


def test_a_deleted_connector_is_gone(tool):
    token = tool.token("builder")
    tool.cli("delete", "connector", "tool")
    denied(tool, tool.wait_status(404, "tool", token=token), 404, "ConnectorNotFound")


def test_components_have_only_the_rights_we_ship(kube):
    """The proxy's own identity may not write anything or read flags elsewhere."""
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    own = type(kube.api())(kube.proxy_kubeconfig)

    def may(**what):
        return own.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                          {**review, "spec": {"resourceAttributes": what}})["status"].get("allowed", False)
    assert may(verb="list", resource="secrets")
    for verb, resource, group in (("update", "secrets", ""), ("create", "pods", ""), ("delete", "connectors", "connectors.alauda.io"),
                                  ("create", "rolebindings", "rbac.authorization.k8s.io"), ("impersonate", "users", "")):
        assert not may(verb=verb, resource=resource, group=group, namespace="default"), json.dumps([verb, resource])
