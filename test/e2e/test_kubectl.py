"""kubectl, unmodified: one test for each verb, the same expectation whichever API server answers."""

import json
import re
import signal
import subprocess
import time

import pytest
import yaml
from harness.kube import connectors, core
from harness.process import PATIENCE, wait_until


@pytest.fixture
def kubectl(world):
    return world.kubectl


@pytest.fixture
def manifest(world, origin):
    return world.connector_object("demo", origin.url)


def columns(text):
    """Rows of a printed table as lists of cells."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.strip().splitlines()]


def test_apply(kubectl, manifest):
    assert kubectl("apply", "-f", "-", stdin=manifest) == "connector.connectors.alauda.io/demo created\n"
    assert kubectl("apply", "-f", "-", stdin=manifest) == "connector.connectors.alauda.io/demo unchanged\n"
    manifest["metadata"]["labels"] = {"a": "b", "c": "d"}
    assert kubectl("apply", "-f", "-", stdin=manifest) == "connector.connectors.alauda.io/demo configured\n"
    # What the manifest no longer says is removed; what others set stays.
    kubectl("label", "connector", "demo", "other=stays")
    del manifest["metadata"]["labels"]["a"]
    kubectl("apply", "-f", "-", stdin=manifest)
    labels = json.loads(kubectl("get", "connector", "demo", "-o", "json"))["metadata"]["labels"]
    assert labels["other"] == "stays" and "a" not in labels


def test_apply_many_documents(kubectl):
    objects = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"m{i}"}, "data": {"i": str(i)}} for i in range(3)]
    text = yaml.safe_dump_all(objects)
    assert kubectl("apply", "-f", "-", stdin=text).splitlines() == [f"configmap/m{i} created" for i in range(3)]
    assert kubectl("diff", "-f", "-", stdin=text) == ""


def test_create(kubectl):
    kubectl("create", "configmap", "c", "--from-literal=a=1")
    assert 'configmaps "c" already exists' in kubectl("create", "configmap", "c", ok=False)
    kubectl("create", "secret", "generic", "s", "--from-literal=a=1")
    kubectl("create", "serviceaccount", "sa")
    kubectl("create", "role", "r", "--verb=get", "--resource=connectors.connectors.alauda.io")
    kubectl("create", "rolebinding", "b", "--role=r", "--serviceaccount=default:sa")
    assert kubectl("get", "secret", "s", "-o", "jsonpath={.data.a}") == "MQ=="


def test_get_table(world, kubectl, origin):
    world.connector("demo", origin.url)
    head, row = columns(kubectl("get", "connectors"))
    assert head == ["NAME", "CLASS", "ADDRESS", "READY", "REASON", "AGE"]
    assert row[:4] == ["demo", "git", origin.url, "True"] and re.fullmatch(r"\d+[smh]", row[-1])
    assert columns(kubectl("get", "connector/demo", "--no-headers"))[0][0] == "demo"
    assert kubectl("get", "events", "--field-selector=reason=Never") == ""
    assert columns(kubectl("get", "connectorclasses"))[0] == ["NAME", "READY", "REASON", "AGE"]
    assert columns(kubectl("get", "sa"))[0][0] == "NAME"


def test_get_unknown(kubectl):
    assert 'connectors.connectors.alauda.io "none" not found' in kubectl("get", "connector", "none", ok=False)
    assert "the server doesn't have a resource type" in kubectl("get", "nosuchkind", ok=False)


def test_get_yaml(kubectl, manifest):
    kubectl("apply", "-f", "-", stdin=manifest)
    got = yaml.safe_load(kubectl("get", "connector", "demo", "-o", "yaml"))
    assert got["spec"] == manifest["spec"] and got["kind"] == "Connector"
    meta = got["metadata"]
    assert meta["uid"] and meta["creationTimestamp"] and meta["generation"] == 1 and int(meta["resourceVersion"]) > 0


def test_get_jsonpath(world, kubectl, origin):
    world.connector("demo", origin.url)
    assert kubectl("get", "connector", "demo", "-o", "jsonpath={.status.proxy.httpAddress.url}") == \
        world.proxy + world.path("demo", "")
    assert kubectl("get", "connectors", "-o", "jsonpath={.items[*].metadata.name}") == "demo"
    assert kubectl("get", "connector", "demo", "-o", 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') == "True"
    assert kubectl("get", "connector", "demo", "-o", "jsonpath={.status.api.path}") == \
        f"/connectors/v1alpha1/{world.ns}/demo/path"


def test_get_short_names_and_categories(world, kubectl, origin):
    world.connector("demo", origin.url)
    assert "connector.connectors.alauda.io/demo" in kubectl("get", "alauda", "-o", "name")


def test_get_by_selectors(kubectl):
    for name, tier in (("a", "x"), ("b", "x"), ("c", "y")):
        kubectl("create", "configmap", name)
        kubectl("label", "configmap", name, f"tier={tier}")

    def names(*selector):
        return kubectl("get", "configmaps", *selector, "-o", "jsonpath={.items[*].metadata.name}").split()
    assert names("-l", "tier=x") == ["a", "b"]
    assert names("-l", "tier in (x,y),tier!=x") == ["c"]
    assert names("-l", "!tier") == ["kube-root-ca.crt"]
    assert names("--field-selector", "metadata.name=b") == ["b"]
    assert names("--chunk-size=1", "-l", "tier") == ["a", "b", "c"]


def test_get_watch(world, kubectl):
    """`-w` prints what is there and then each change."""
    kubectl("create", "configmap", "first")
    watching = subprocess.Popen([*kubectl.argv, "get", "configmaps", "-w", "--output-watch-events", "-o",
                                 "jsonpath={.type} {.object.metadata.name} {.object.data.a}{\"\\n\"}"],
                                stdout=subprocess.PIPE, text=True, env=kubectl.env)
    lines = iter(watching.stdout.readline, "")

    def until(wanted):
        for line in lines:
            if line.strip() == wanted:
                return
        raise AssertionError(f"no '{wanted}'")
    try:
        until("ADDED first")
        kubectl("create", "configmap", "second", "--from-literal=a=1")
        until("ADDED second 1")
        kubectl("patch", "configmap", "second", "-p", '{"data":{"a":"2"}}')
        until("MODIFIED second 2")
        kubectl("delete", "configmap", "second")
        until("DELETED second 2")
    finally:
        watching.send_signal(signal.SIGINT)
        watching.wait(10)


def test_describe(world, kubectl, origin):
    world.connector("demo", origin.url)
    said = kubectl("describe", "connector", "demo")
    assert re.search(r"^Name:\s+demo$", said, re.M) and re.search(r"Connector Class Name:\s+git", said)
    assert re.search(r"Type:\s+Ready", said)
    wait_until(lambda: "Events:" in kubectl("describe", "connector", "demo"), "events are described")
    kubectl("create", "secret", "generic", "s", "--from-literal=a=hidden-value")
    said = kubectl("describe", "secret", "s")
    assert "12 bytes" in said and "hidden-value" not in said


@pytest.mark.parametrize("kind,patch", [
    ("merge", '{"metadata":{"labels":{"p":"1"}}}'),
    ("json", '[{"op":"add","path":"/metadata/labels","value":{"p":"1"}}]'),
    ("strategic", '{"metadata":{"labels":{"p":"1"}}}'),
])
def test_patch(kubectl, kind, patch):
    kubectl("create", "configmap", "c")
    assert kubectl("patch", "configmap", "c", f"--type={kind}", "-p", patch) == "configmap/c patched\n"
    assert kubectl("get", "configmap", "c", "-o", "jsonpath={.metadata.labels.p}") == "1"


def test_patch_strategic_merges_lists_by_key(world, kubectl):
    world.pod("p")
    gates = '{"spec":{"containers":[{"name":"c","image":"other"}]}}'
    kubectl("patch", "pod", "p", "-p", gates)
    containers = json.loads(kubectl("get", "pod", "p", "-o", "json"))["spec"]["containers"]
    assert [(c["name"], c["image"]) for c in containers] == [("c", "other")]


def test_patch_that_fails(kubectl, manifest):
    kubectl("apply", "-f", "-", stdin=manifest)
    assert "spec.address" in kubectl("patch", "connector", "demo", "--type=merge", "-p", '{"spec":{"address":5}}', ok=False)
    test = '[{"op":"test","path":"/spec/address","value":"x"},{"op":"remove","path":"/spec/auth"}]'
    assert "invalid" in kubectl("patch", "connector", "demo", "--type=json", "-p", test, ok=False)
    assert kubectl("get", "connector", "demo", "-o", "jsonpath={.spec.auth.name}") == "basicAuth"
    assert "not found" in kubectl("patch", "connector", "none", "--type=merge", "-p", "{}", ok=False)


def test_patch_status_alone(world, kubectl, origin):
    """The status subresource: a patch of the object leaves status, one of the status leaves spec."""
    world.connector("demo", origin.url)
    before = world.api.get(connectors(world.ns, "demo"))
    kubectl("patch", "connector", "demo", "--type=merge", "-p", '{"status":{"annotations":{"x":"y"}}}')
    kubectl("patch", "connector", "demo", "--subresource=status", "--type=merge", "-p", '{"spec":{"address":"http://other"}}')
    after = world.api.get(connectors(world.ns, "demo"))
    assert after["spec"] == before["spec"] and "x" not in after["status"].get("annotations", {})
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


def test_edit(kubectl, tmp_path):
    kubectl("create", "configmap", "c", "--from-literal=a=before")
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i s/before/after/ \"$1\"\n")
    editor.chmod(0o755)
    assert "configmap/c edited" in kubectl("edit", "configmap", "c", env={"KUBE_EDITOR": str(editor)})
    assert kubectl("get", "configmap", "c", "-o", "jsonpath={.data.a}") == "after"


def test_label_and_annotate(kubectl):
    kubectl("create", "configmap", "c")
    kubectl("label", "configmap", "c", "a=b")
    kubectl("annotate", "configmap", "c", "note=text with spaces")
    assert "already has a value" in kubectl("label", "configmap", "c", "a=c", ok=False)
    kubectl("label", "configmap", "c", "a=c", "--overwrite")
    kubectl("label", "configmap", "c", "a-")
    meta = json.loads(kubectl("get", "configmap", "c", "-o", "json"))["metadata"]
    assert not meta.get("labels") and meta["annotations"]["note"] == "text with spaces"


def test_replace_needs_the_current_version(world, kubectl):
    kubectl("create", "configmap", "c", "--from-literal=a=1")
    stale = json.loads(kubectl("get", "configmap", "c", "-o", "json"))
    kubectl("patch", "configmap", "c", "-p", '{"data":{"a":"2"}}')
    stale["data"]["a"] = "3"
    code, body = world.api.ask("PUT", core(world.ns, "configmaps", "c"), stale)
    assert (code, body["reason"]) == (409, "Conflict")
    stale["metadata"].pop("resourceVersion")
    kubectl("replace", "-f", "-", stdin=stale)
    assert kubectl("get", "configmap", "c", "-o", "jsonpath={.data.a}") == "3"


def test_delete(kubectl):
    for name in ("a", "b", "c"):
        kubectl("create", "configmap", name)
        kubectl("label", "configmap", name, "mine=yes")
    assert kubectl("delete", "configmap", "a").startswith('configmap "a" deleted')
    assert "not found" in kubectl("delete", "configmap", "a", ok=False)
    kubectl("delete", "configmap", "a", "--ignore-not-found")
    kubectl("delete", "configmaps", "-l", "mine=yes")
    assert kubectl("get", "configmaps", "-l", "mine", "-o", "name") == ""


def test_delete_waits_for_finalizers(kubectl):
    kubectl("create", "configmap", "c")
    kubectl("patch", "configmap", "c", "--type=merge", "-p", '{"metadata":{"finalizers":["example.com/hold"]}}')
    kubectl("delete", "configmap", "c", "--wait=false")
    assert kubectl("get", "configmap", "c", "-o", "jsonpath={.metadata.deletionTimestamp}")
    kubectl("patch", "configmap", "c", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    kubectl("wait", "--for=delete", "configmap/c", "--timeout=10s")


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_delete_cascades(world, kubectl, cascade):
    kubectl("create", "configmap", "owner")
    uid = kubectl("get", "configmap", "owner", "-o", "jsonpath={.metadata.uid}")
    world.api.create(core(world.ns, "configmaps"), {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "child", "ownerReferences": [
            {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid, "blockOwnerDeletion": True}]}})
    # Only once the collector knows the child does the deletion of its owner reach it on a real cluster, too.
    kubectl("delete", "configmap", "owner", f"--cascade={cascade}")
    if cascade == "orphan":
        wait_until(lambda: kubectl("get", "configmap", "child", "-o", "jsonpath={.metadata.ownerReferences}") == "", "the child is let go")
    else:
        kubectl("wait", "--for=delete", "configmap/child", "--timeout=20s")


def test_delete_namespace(world, kubectl):
    name = world.ns + "-gone"
    kubectl("create", "namespace", name)
    kubectl("create", "configmap", "c", "-n", name)
    kubectl("delete", "namespace", name, "--timeout=30s")
    assert "not found" in kubectl("get", "namespace", name, ok=False)


def test_wait(world, kubectl, origin):
    """Started before the Connector is Ready, ends when it is."""
    kubectl("apply", "-f", "-", stdin=world.connector_object("demo", origin.url, "late"))
    waiting = subprocess.Popen([*kubectl.argv, "wait", "--for=condition=Ready", "connector/demo", "--timeout=30s"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=kubectl.env)
    world.wait_condition("demo", "Ready", "False")
    assert waiting.poll() is None
    world.secret("late", username="u", password="p")
    out, _ = waiting.communicate(timeout=30 * PATIENCE)
    assert (waiting.returncode, out) == (0, "connector.connectors.alauda.io/demo condition met\n")


def test_wait_that_times_out(world, kubectl, origin):
    kubectl("apply", "-f", "-", stdin=world.connector_object("demo", origin.url, "never"))
    began = time.monotonic()
    assert "timed out" in kubectl("wait", "--for=condition=Ready", "connector/demo", "--timeout=1s", ok=False)
    assert time.monotonic() - began < 10 * PATIENCE


def test_create_token(tool, kubectl):
    tool_token = kubectl("create", "token", "builder").strip()
    assert tool.reverse("tool", "/", tool_token).status == 200
    bound = kubectl("create", "token", "builder", "--audience=connectors-proxy", "--duration=10m").strip()
    assert tool.reverse("tool", "/", bound).status == 200
    assert "not found" in kubectl("create", "token", "nobody", ok=False)


def test_auth_can_i(world, kubectl):
    kubectl("create", "rolebinding", "b", "--clusterrole=connectors-user", f"--serviceaccount={world.ns}:default")
    user = f"--as=system:serviceaccount:{world.ns}:default"
    assert kubectl("auth", "can-i", "get", "connectors") == "yes\n"
    wait_until(lambda: kubectl("auth", "can-i", "get", "connectors", user, ok=None) == "yes\n", "the binding is known")
    assert kubectl("auth", "can-i", "list", "connectors", user, ok=None) == "no\n"
    assert kubectl("auth", "can-i", "get", "connectors", user, "-n", "default", ok=None) == "no\n"
    assert kubectl("auth", "can-i", "get", "connectors", "--subresource=proxy", user, ok=None) == "no\n"
    assert "connectors.connectors.alauda.io" in kubectl("auth", "can-i", "--list", user)


def test_auth_whoami(kubectl):
    assert "system:masters" in kubectl("auth", "whoami", "-o", "json")


def test_explain(kubectl):
    said = kubectl("explain", "connector.spec.address")
    assert "KIND:       Connector" in said and "FIELD: address <string>" in said and "http or https URL" in said
    assert "connectorClassName\t<string> -required-" in kubectl("explain", "connector.spec")
    assert "secrets" in kubectl("explain", "serviceaccount")


def test_api_resources(kubectl):
    rows = {r.split()[0]: r.split() for r in kubectl("api-resources", "--no-headers").splitlines()}
    assert rows["connectors"][-3:] == ["connectors.alauda.io/v1alpha1", "true", "Connector"]
    assert rows["connectorclasses"][-2:] == ["false", "ConnectorClass"]
    for name in ("namespaces", "secrets", "configmaps", "serviceaccounts", "services", "pods", "events", "leases", "roles",
                 "rolebindings", "clusterroles", "clusterrolebindings", "customresourcedefinitions"):
        assert name in rows, name
    assert "connectors.alauda.io/v1alpha1" in kubectl("api-versions").splitlines()


def test_version(kubectl):
    got = json.loads(kubectl("version", "-o", "json"))["serverVersion"]
    assert got["gitVersion"].startswith("v1.") and got["major"] == "1"


def test_generate_name_and_dry_run(kubectl, manifest):
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "gen-"}}
    names = {kubectl("create", "-f", "-", "-o", "name", stdin=made).strip() for _ in range(3)}
    assert len(names) == 3 and all(n.startswith("configmap/gen-") for n in names)
    assert "(server dry run)" in kubectl("apply", "--dry-run=server", "-f", "-", stdin=manifest)
    assert "not found" in kubectl("get", "connector", "demo", ok=False)
    manifest["spec"].pop("address")
    assert "spec.address" in kubectl("create", "--dry-run=server", "--validate=false", "-f", "-", stdin=manifest, ok=False)


def test_client_side_validation_knows_our_schemas(kubectl, manifest):
    manifest["spec"]["adress"] = manifest["spec"].pop("address")
    assert "adress" in kubectl("apply", "-f", "-", stdin=manifest, ok=False)


def test_events(world, kubectl, origin):
    """What the controller says about a Connector is seen by `kubectl events`."""
    world.connector("demo", origin.url)
    wait_until(lambda: "demo" in kubectl("get", "events", "--field-selector", "involvedObject.name=demo"), "an event of the Connector")
    wait_until(lambda: "Connector/demo" in kubectl("events", "--for", "connector/demo"), "kubectl events shows it")
