"""What the conditions of a Connector say about its tool."""

import time

import pytest
from harness.kube import CONNECTORS, connectors, core
from harness.origin import header
from harness.process import PATIENCE, wait_until
from harness.world import GROUP, basic

LABELS = ("connectors.alauda.io/connectorclass", "connectors.cpaas.io/connectorclass")


def test_all_conditions_of_a_good_connector(tool):
    object_ = tool.api.get(connectors(tool.ns, "tool"))
    got = {c["type"]: (c["status"], c["reason"]) for c in object_["status"]["conditions"]}
    assert {t: s for t, (s, _) in got.items()} == dict.fromkeys(
        ("ConnectorClassReady", "SecretReady", "CACertReady", "LivenessReady", "AuthReady", "ProxyServiceReady", "Ready"), "True")
    assert got["AuthReady"][1] == "NonAuthProbe" and got["CACertReady"][1] == "NoCACert"
    assert got["ProxyServiceReady"][1] == "AddressAllocated"
    assert object_["status"]["observedGeneration"] == object_["metadata"]["generation"]
    assert object_["status"]["proxy"]["httpAddress"] == {"url": tool.proxy + tool.path("tool", ""), "audience": "connectors-proxy"}
    assert [object_["metadata"]["labels"][n] for n in LABELS] == ["git", "git"]
    ca = [c for c in object_["status"]["conditions"] if c["type"] == "CACertReady"][0]
    assert ca["severity"] == "Info"
    assert tool.api.ask("GET", core(tool.ns, "services", "c-tool"))[0] == 404


def test_class_labels_are_kept(tool):
    tool.kubectl("label", "connector", "tool", f"{LABELS[0]}=wrong", f"{LABELS[1]}-", "--overwrite")

    def repaired():
        labels = tool.api.get(connectors(tool.ns, "tool"))["metadata"]["labels"]
        return [labels.get(n) for n in LABELS] == ["git", "git"]
    wait_until(repaired, "the labels are repaired")


def test_a_liveness_probe_sends_no_credential(tool, origin):
    assert origin.seen("/")
    assert not [r for r in origin.requests if header(r, "Authorization")]


def test_nothing_is_written_without_a_change(tool):
    """A status that says the same is not written again."""
    def version():
        return tool.api.get(connectors(tool.ns, "tool"))["metadata"]["resourceVersion"]
    first, end = version(), time.monotonic() + 1
    while time.monotonic() < end:
        assert version() == first


@pytest.fixture
def new_class(world):
    """Makes a class of the test's own; returns its name."""
    made = []

    def make(**spec):
        name = f"{world.ns}-c{len(made)}"
        body = {"apiVersion": GROUP, "kind": "ConnectorClass", "metadata": {"name": name}, "spec": {
            "address": {"name": "address", "type": "string"},
            "auth": {"types": [{"name": "basicAuth", "secretType": "kubernetes.io/basic-auth"}]},
            "proxy": {"ref": {"kind": "Service", "name": "connectors-proxy-service", "namespace": "connectors-system"}}, **spec}}
        world.api.create(f"{CONNECTORS}/connectorclasses", body)
        made.append(name)
        return name
    yield make
    for name in made:
        world.api.ask("DELETE", f"{CONNECTORS}/connectorclasses/{name}")


def auth_probe(path):
    return [{"authName": "basicAuth", "probe": {"http": {"path": path}}}]


def test_auth_probe_injects_and_judges(world, origin, new_class):
    world.secret("tool", username="bot", password="probe-pw")
    cls = new_class(authProbes=auth_probe("/login"), livenessProbe={"http": {"path": "/alive"}})
    world.connector("good", origin.url, "tool", cls=cls)
    assert header(origin.seen("/login")[0], "Authorization") == [basic("bot", "probe-pw")]
    assert world.condition("good", "AuthReady")["lastProbeTime"]
    refused = new_class(authProbes=auth_probe("/status/401"))
    world.connector("refused", origin.url, "tool", cls=refused, ready=False)
    condition = world.wait_condition("refused", "AuthReady", "False", "AuthenticationFailed")
    assert "401" in condition["message"] and "probe-pw" not in condition["message"]
    assert world.condition("refused", "Ready")["reason"] == "AuthenticationFailed"


def test_probes_do_not_gate_traffic(world, origin, new_class):
    """A tool whose probe fails is still reached."""
    world.account("builder")
    world.bind("builder")
    world.secret("tool", username="bot", password="p")
    cls = new_class(livenessProbe={"http": {"path": "/status/500"}})
    world.connector("sick", origin.url, "tool", cls=cls, ready=False)
    assert world.wait_condition("sick", "LivenessReady", "False", "UnexpectedResponse")
    assert world.reverse("sick", "/fine", world.token("builder")).status == 200


@pytest.mark.parametrize("status,live", [(204, True), (301, True), (401, True), (403, True), (404, False), (500, False)])
def test_liveness_by_status(world, origin, new_class, status, live):
    cls = new_class(livenessProbe={"http": {"path": f"/status/{status}", "disableRedirect": True}},
                    auth={"types": [{"name": "basicAuth", "secretType": "kubernetes.io/basic-auth", "optional": True}]})
    world.connector("tool", origin.url, cls=cls, ready=live)
    condition = world.condition("tool", "LivenessReady")
    assert condition["status"] == str(live)
    if not live:
        assert str(status) in condition["message"]


def test_a_probe_never_leaves_its_origin(world, origin, new_class):
    """A redirect to another port is not followed, least of all with the credential."""
    world.secret("tool", username="bot", password="p")
    other = "http://127.0.0.1:9"
    cls = new_class(authProbes=auth_probe(f"/redirect?to={other}/steal"))
    world.connector("tool", origin.url, "tool", cls=cls, ready=False)
    assert world.wait_condition("tool", "AuthReady", "False", "UnexpectedResponse")


def test_tls_failure_is_named_without_certificate_text(world, tls_origin):
    world.secret("tool", username="bot", password="p")
    world.connector("tool", tls_origin.url, "tool", ready=False)
    condition = world.wait_condition("tool", "LivenessReady", "False", "TLSVerificationFailed")
    assert "BEGIN" not in condition["message"] and "test ca" not in condition["message"]


def test_a_tool_that_comes_back(world, new_class):
    """A change of the Connector probes at once, whatever the back-off."""
    from harness.origin import Origin
    from harness.process import free_port
    world.secret("tool", username="bot", password="p")
    world.connector("tool", f"http://127.0.0.1:{free_port()}", "tool", ready=False)
    assert world.condition("tool", "LivenessReady")["reason"] == "ConnectionFailed"
    origin = Origin()
    try:
        world.api.merge(connectors(world.ns, "tool"), {"spec": {"address": origin.url}})
        world.wait_condition("tool", "Ready", "True")
    finally:
        origin.close()


def test_hanging_tools_hold_nobody_up(world, origin, new_class):
    """Twenty tools that never answer, then one that does: it is Ready long before their probes end."""
    cls = new_class(livenessProbe={"http": {"path": "/hang"}})
    quick = new_class(livenessProbe={"http": {"path": "/"}})
    world.secret("tool", username="bot", password="p")
    for i in range(20):
        world.api.create(connectors(world.ns), world.connector_object(f"hang-{i}", origin.url, "tool", cls=cls))
    from harness.origin import Origin
    other = Origin()
    try:
        began = time.monotonic()
        world.connector("quick", other.url, "tool", cls=quick)
        assert time.monotonic() - began < 5 * PATIENCE
    finally:
        other.close()
        origin.release()


def test_class_appears_later(world, origin, new_class):
    world.secret("tool", username="bot", password="p")
    world.connector("tool", origin.url, "tool", cls=f"{world.ns}-c0", ready=False)
    assert world.condition("tool", "ConnectorClassReady")["reason"] == "ConnectorClassNotFound"
    new_class()
    world.wait_condition("tool", "Ready", "True")
    assert world.condition("tool", "LivenessReady")["reason"] == "NonLivenessProbe"


def test_class_deleted(world, origin, new_class):
    world.secret("tool", username="bot", password="p")
    cls = new_class()
    world.connector("tool", origin.url, "tool", cls=cls)
    world.kubectl("delete", "connectorclass", cls)
    world.wait_condition("tool", "ConnectorClassReady", "False", "ConnectorClassNotFound")
    world.wait_condition("tool", "Ready", "False", "ConnectorClassNotFound")


def test_shipped_classes_are_ready(kube, world):
    for name in ("git", "http"):
        def ready(name=name):
            status = world.api.get(f"{CONNECTORS}/connectorclasses/{name}").get("status", {})
            found = {c["type"]: c["status"] for c in status.get("conditions", [])}
            return found.get("Ready") == "True" and status["proxy"]["httpAddress"]["url"].startswith(kube.proxy)
        wait_until(ready, f"class {name} is Ready")
