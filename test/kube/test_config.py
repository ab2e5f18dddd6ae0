"""What config/ and deploy/ promise, asked of a real kube-apiserver.

The schemas must be accepted as structural, name the field they refuse, print their columns; each identity that we
ship must be able to do its work and nothing else.
"""

import copy
import json
import os
import pathlib
import subprocess
import time

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
KUBECONFIG = os.environ.get("CONNECTORS_TEST_KUBECONFIG")
GROUP = "connectors.alauda.io"
NS = "config-test"

pytestmark = pytest.mark.skipif(not KUBECONFIG, reason="needs a real API server: test/kube/run.sh")


def kubectl(*args, stdin=None, ok=True):
    """Runs kubectl as administrator; returns stdout, or stderr of the refusal when ok is False."""
    cmd = [os.environ["CONNECTORS_TEST_KUBECTL"], "--kubeconfig", KUBECONFIG, *args]
    done = subprocess.run(cmd, input=stdin, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode == 0) == ok, f"{args}: {done.stdout}{done.stderr}"
    return done.stdout if ok else done.stderr


def eventually(holds, seconds=15):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        time.sleep(0.05)


def create(obj, ok=True):
    out = kubectl("create", "--validate=false", "-o", "json", "-f", "-", stdin=json.dumps(obj), ok=ok)
    return json.loads(out) if ok else out


def config_files():
    """The files as an installer sees them: octet order of the path, links not followed."""
    found = []
    for base, _, names in os.walk(CONFIG):
        found += [os.path.relpath(os.path.join(base, n), CONFIG) for n in names if n.endswith(".yaml")]
    return sorted(found, key=os.fsencode)


def documents(*globs):
    return [d for g in globs for f in sorted(CONFIG.glob(g)) for d in yaml.safe_load_all(f.read_text()) if d]


CRDS = {d["spec"]["names"]["kind"]: d for d in documents("00-crds/*.yaml")}


@pytest.fixture(scope="module", autouse=True)
def installed():
    for path in config_files():
        kubectl("apply", "-f", str(CONFIG / path))
        if path.startswith("00-crds/"):
            kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CONFIG / path))
    kubectl("create", "namespace", NS)
    yield
    kubectl("delete", "namespace", NS)


# --- schemas

KEYWORDS = set(
    "type properties items additionalProperties required enum pattern format minimum maximum minLength maxLength "
    "minItems maxItems maxProperties default description nullable x-kubernetes-preserve-unknown-fields "
    "x-kubernetes-list-type x-kubernetes-list-map-keys x-kubernetes-map-type x-kubernetes-int-or-string "
    "x-kubernetes-validations".split()
)


def schema_of(crd):
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def walk(node, path):
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}")
    for word, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if word in node:
            yield from walk(node[word], path + mark)


def spec_and_status(crd):
    for part in ("spec", "status"):
        if part in schema_of(crd)["properties"]:
            yield from walk(schema_of(crd)["properties"][part], part)


@pytest.mark.parametrize("kind", sorted(CRDS))
def test_crd_is_structural_and_established(kind):
    crd = json.loads(kubectl("get", "crd", CRDS[kind]["metadata"]["name"], "-o", "json"))
    seen = {c["type"]: c["status"] for c in crd["status"]["conditions"]}
    assert seen["Established"] == "True"
    assert seen.get("NonStructuralSchema", "False") == "False"
    assert crd["spec"]["names"]["categories"] == ["alauda"]


@pytest.mark.parametrize("kind", sorted(CRDS))
def test_schema_is_described_bounded_and_in_the_subset(kind):
    for path, node in spec_and_status(CRDS[kind]):
        assert set(node) <= KEYWORDS, path
        for rule in node.get("x-kubernetes-validations", []):
            assert rule["rule"] == "self == oldSelf", path
        if not path.endswith(("[]", "{}")):
            assert node.get("description"), f"{path} has no description"
        if node.get("type") == "string":
            assert "maxLength" in node or "enum" in node or node.get("format") == "date-time", f"{path} is unbounded"
        if node.get("type") == "array":
            assert "maxItems" in node and "x-kubernetes-list-type" in node, f"{path} is unbounded"
        if "additionalProperties" in node:
            assert "maxProperties" in node, f"{path} is unbounded"


def test_repeated_blocks_are_equal():
    blocks = {}
    for kind, crd in CRDS.items():
        for path, node in spec_and_status(crd):
            members = set(node.get("properties", {}))
            for name, marks in (("condition", {"status", "lastTransitionTime"}), ("parameter", {"enum", "default", "type"})):
                if marks <= members:
                    bare = {k: v for k, v in node["properties"].items() if name == "condition" or k in PARAMETER}
                    bare = copy.deepcopy(bare)
                    if name == "parameter":
                        bare["type"].pop("enum")  # differs where only strings are allowed
                    blocks.setdefault(name, {})[f"{kind}.{path}"] = json.dumps(bare, sort_keys=True)
    assert len(blocks["condition"]) >= 6 and len(blocks["parameter"]) >= 8
    for name, copies in blocks.items():
        assert len(set(copies.values())) == 1, f"copies of {name} differ: {sorted(copies)}"


PARAMETER = {"name", "type", "description", "default", "enum", "properties", "annotations"}


@pytest.mark.parametrize(
    "field",
    [
        "connectors.spec.auth.secretRef.namespace",
        "connectorclasses.spec.livenessProbe.http.path",
        "accesspolicies.spec.defaultPermission.bindingTemplate.serviceAccounts.namespaceSelector",
        "accessrequests.spec.context.objectRef.uid",
        "resourceinterfaces.spec.attributes.expression",
    ],
)
def test_explain_describes_a_field(field):
    assert "DESCRIPTION:" in kubectl("explain", field)


# --- objects


def connector(name="tool", **spec):
    spec = {"connectorClassName": "git", "address": "https://git.example.com/scm", **spec}
    spec = {k: v for k, v in spec.items() if v is not None}
    return {"apiVersion": f"{GROUP}/v1alpha1", "kind": "Connector", "metadata": {"name": name, "namespace": NS}, "spec": spec}


BAD_CONNECTORS = {
    "no address": ({"address": None}, "spec.address"),
    "no class": ({"connectorClassName": None}, "spec.connectorClassName"),
    "empty class": ({"connectorClassName": ""}, "spec.connectorClassName"),
    "class is no label value": ({"connectorClassName": "a" * 64}, "spec.connectorClassName"),
    "ftp": ({"address": "ftp://git.example.com"}, "spec.address"),
    "no scheme": ({"address": "git.example.com"}, "spec.address"),
    "no host": ({"address": "https:///scm"}, "spec.address"),
    "user information": ({"address": "https://user@git.example.com"}, "spec.address"),
    "query": ({"address": "https://git.example.com/?a=b"}, "spec.address"),
    "fragment": ({"address": "https://git.example.com/#a"}, "spec.address"),
    "space": ({"address": "https://git.example.com/a b"}, "spec.address"),
    "line feed": ({"address": "https://git.example.com\n"}, "spec.address"),
    "address too long": ({"address": "https://h/" + "a" * 2039}, "spec.address"),
    "address is a number": ({"address": 7}, "spec.address"),
    "extension without value": ({"addressExtensions": [{"name": "api"}]}, "spec.addressExtensions[0].value"),
    "extension is no URL": ({"addressExtensions": [{"name": "api", "value": "x"}]}, "spec.addressExtensions[0].value"),
    "extension twice": ({"addressExtensions": [{"name": "a", "value": "http://h"}] * 2}, "spec.addressExtensions[1]"),
    "param without name": ({"params": [{"value": "x"}]}, "spec.params[0].name"),
    "param without value": ({"params": [{"name": "x"}]}, "spec.params[0].value"),
    "param twice": ({"params": [{"name": "x", "value": "1"}, {"name": "x", "value": "2"}]}, "spec.params[1]"),
    "params are a map": ({"params": {"x": "1"}}, "spec.params"),
    "Secret without name": ({"auth": {"name": "basicAuth", "secretRef": {}}}, "spec.auth.secretRef.name"),
    "Secret's name": ({"auth": {"secretRef": {"name": "A b"}}}, "spec.auth.secretRef.name"),
    "CA Secret without name": ({"caCertSecretRef": {}}, "spec.caCertSecretRef.name"),
}


@pytest.mark.parametrize("case", sorted(BAD_CONNECTORS))
def test_bad_connector_is_refused_by_field(case):
    spec, field = BAD_CONNECTORS[case]
    assert field in create(connector("bad", **spec), ok=False)


@pytest.mark.parametrize("name", ["a" * 62, "a.b", "1-"])
def test_connector_name_must_make_a_service_name(name):
    assert "metadata.name" in create(connector(name), ok=False)


@pytest.mark.parametrize(
    "address", ["http://h", "https://[::1]:8443/", "https://git.example.com:8443/a/b%2Fc", "https://h/" + "a" * 2038]
)
def test_good_addresses(address):
    obj = create(connector("good", address=address))
    kubectl("-n", NS, "delete", "connector", "good")
    assert obj["spec"]["address"] == address


def test_connector_keeps_any_json_and_drops_unknown_fields():
    value = {"list": [1, {"deep": None}], "text": "x"}
    obj = create(connector("a" * 61, params=[{"name": "x", "value": value}], unknown={"a": 1}))
    assert obj["spec"]["params"] == [{"name": "x", "value": value}]
    assert "unknown" not in obj["spec"]
    kubectl("-n", NS, "delete", "connector", "a" * 61)


def test_status_is_a_subresource_and_columns_show_it():
    obj = connector("shown")
    obj["status"] = {"api": {"path": "/mine"}}
    assert "status" not in create(obj)
    ready = {"type": "Ready", "status": "False", "reason": "ConnectorClassNotFound", "message": "",
             "lastTransitionTime": "2026-01-01T00:00:00Z"}
    patch = json.dumps({"status": {"conditions": [ready]}})
    kubectl("-n", NS, "patch", "connector", "shown", "--subresource=status", "--type=merge", "-p", patch)
    head, row = kubectl("-n", NS, "get", "connector", "shown").splitlines()
    assert head.split() == ["NAME", "CLASS", "ADDRESS", "READY", "REASON", "AGE"]
    assert row.split()[:5] == ["shown", "git", "https://git.example.com/scm", "False", "ConnectorClassNotFound"]
    assert "connector.connectors.alauda.io/shown" in kubectl("-n", NS, "get", "alauda", "-o", "name")
    twice = json.dumps({"status": {"conditions": [ready, ready]}})
    refused = kubectl("-n", NS, "patch", "conn", "shown", "--subresource=status", "--type=merge", "-p", twice, ok=False)
    assert "status.conditions[1]" in refused


@pytest.mark.parametrize(
    "kind,columns",
    [
        ("ConnectorClass", ["Ready", "Reason", "Age"]),
        ("AccessPolicy", ["Ready", "Reason", "Matched", "Age"]),
        ("AccessRequest", ["Connector", "Subject", "ContextValid", "Permission", "Age"]),
    ],
)
def test_columns(kind, columns):
    assert [c["name"] for c in CRDS[kind]["spec"]["versions"][0]["additionalPrinterColumns"]] == columns


def cluster_object(kind, name, spec):
    return {"apiVersion": f"{GROUP}/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def test_class_defaults():
    probe = {"http": {"path": "/x"}}
    spec = {
        "params": [{"name": "p"}],
        "auth": {"types": [{"name": "basicAuth"}]},
        "livenessProbe": probe,
        "authProbes": [{"authName": "basicAuth", "probe": probe}],
        "proxy": {"ref": {"name": "x"}},
        "api": {"openapi": {"paths": {"/a": {"get": {}}}}},
    }
    got = create(cluster_object("ConnectorClass", "defaults", spec))["spec"]
    kubectl("delete", "connectorclass", "defaults")
    assert got["params"][0]["type"] == "string"
    assert got["auth"]["types"][0]["optional"] is False
    assert got["livenessProbe"]["http"] == {"path": "/x", "method": "GET", "disableRedirect": False}
    assert got["proxy"]["ref"]["kind"] == "Service"
    assert got["api"]["openapi"] == spec["api"]["openapi"]


BAD_CLASSES = {
    "two probes in one": ({"livenessProbe": {"http": {"path": "/"}, "api": {"path": "/"}}}, "spec.livenessProbe"),
    "probe without path": ({"livenessProbe": {"http": {}}}, "spec.livenessProbe.http.path"),
    "probe by PUT": ({"livenessProbe": {"http": {"path": "/", "method": "PUT"}}}, "spec.livenessProbe.http.method"),
    "header name": (
        {"livenessProbe": {"http": {"path": "/", "httpHeaders": [{"name": "a b", "value": ""}]}}},
        "spec.livenessProbe.http.httpHeaders[0].name",
    ),
    "auth type twice": ({"auth": {"types": [{"name": "a"}, {"name": "a"}]}}, "spec.auth.types[1]"),
    "address of type array": ({"address": {"type": "array"}}, "spec.address.type"),
    "param type": ({"params": [{"name": "a", "type": "number"}]}, "spec.params[0].type"),
    "configuration without name": ({"configurations": [{"data": {}}]}, "spec.configurations[0].name"),
    "reference without name": ({"proxy": {"ref": {}}}, "spec.proxy.ref.name"),
}


@pytest.mark.parametrize("case", sorted(BAD_CLASSES))
def test_bad_class_is_refused_by_field(case):
    spec, field = BAD_CLASSES[case]
    assert field in create(cluster_object("ConnectorClass", "bad", spec), ok=False)


@pytest.mark.parametrize("name", ["a" * 64])
def test_class_name_is_a_label_value(name):
    assert "metadata.name" in create(cluster_object("ConnectorClass", name, {}), ok=False)


def policy(spec):
    obj = cluster_object("AccessPolicy", "p", spec)
    obj["metadata"]["namespace"] = NS
    return obj


TEMPLATE = {"ref": {"configMap": {"name": "connectors-use-connectors-proxy"}}}
CHECK = {"selector": {"objectRef": {"apiVersion": "v1", "kind": "X"}}}
BAD_POLICIES = {
    "no namespaceSelector": (
        {"defaultPermission": {"roleTemplate": TEMPLATE, "bindingTemplate": {"serviceAccounts": [{"names": ["a"]}]}}},
        "serviceAccounts[0].namespaceSelector",
    ),
    "empty binding": (
        {"defaultPermission": {"roleTemplate": TEMPLATE, "bindingTemplate": {"serviceAccounts": []}}},
        "bindingTemplate.serviceAccounts",
    ),
    "no check": ({"checkGrantedPermission": {"spec": {"roleTemplate": TEMPLATE, "checks": []}}}, "spec.checks"),
    "ref and spec": (
        {"checkGrantedPermission": {"spec": {"roleTemplate": TEMPLATE, "checks": [{"name": "c", "spec": CHECK, **TEMPLATE}]}}},
        "spec.checks[0]",
    ),
    "object without kind": (
        {
            "checkGrantedPermission": {
                "spec": {
                    "roleTemplate": TEMPLATE,
                    "checks": [{"name": "c", "spec": {"selector": {"objectRef": {"apiVersion": "v1"}}}}],
                }
            }
        },
        "checks[0].spec.selector.objectRef.kind",
    ),
    "duration": (
        {"checkGrantedPermission": {"spec": {"roleTemplate": TEMPLATE, "checks": [{"name": "c", "spec": CHECK}], "duration": "1 day"}}},
        "spec.duration",
    ),
    "operator": ({"connector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}}, "matchExpressions[0].operator"),
}


@pytest.mark.parametrize("case", sorted(BAD_POLICIES))
def test_bad_policy_is_refused_by_field(case):
    spec, field = BAD_POLICIES[case]
    assert field in create(policy(spec), ok=False)


def test_good_policy():
    everyone = {"serviceAccounts": [{"namespaceSelector": {}}]}
    got = create(policy({"defaultPermission": {"roleTemplate": TEMPLATE, "bindingTemplate": everyone}}))
    assert got["spec"]["defaultPermission"]["bindingTemplate"] == everyone


def test_request_is_immutable():
    spec = {
        "subject": {"kind": "ServiceAccount", "name": "builder", "namespace": NS},
        "connectorRef": {"name": "tool"},
        "context": {"objectRef": {"name": "pod", "namespace": NS, "uid": "u"}},
    }
    obj = cluster_object("AccessRequest", "r", spec)
    obj["metadata"]["namespace"] = NS
    assert create(obj)["spec"]["context"]["objectRef"]["kind"] == "Pod"
    change = json.dumps({"spec": {"subject": {"name": "other"}}})
    assert "spec is immutable" in kubectl("-n", NS, "patch", "areq", "r", "--type=merge", "-p", change, ok=False)
    kubectl("-n", NS, "label", "areq", "r", "a=b")
    obj["metadata"]["name"] = "s"
    obj["spec"]["context"]["objectRef"]["kind"] = "Job"
    assert "spec.context.objectRef.kind" in create(obj, ok=False)


def test_resource_interface():
    spec = {
        "params": [{"name": "repository", "type": "object"}],
        "attributes": [{"name": "url", "expression": "{params.repository}", "dependsOn": ["connector", "params.repository"]}],
        "workspaces": [{"name": "source", "value": {"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}}}],
    }
    got = create(cluster_object("ResourceInterface", "good", spec))["spec"]
    kubectl("delete", "ri", "good")
    assert got["workspaces"] == spec["workspaces"]
    spec["attributes"][0]["dependsOn"] = ["secrets"]
    assert "dependsOn[0]" in create(cluster_object("ResourceInterface", "bad", spec), ok=False)


# --- permissions

CONTROLLER = "system:serviceaccount:connectors-system:connectors-controller"
PROXY = "system:serviceaccount:connectors-system:connectors-proxy"
SYSTEM = "connectors-system"
# (verb, resource, namespace); a resource may carry /subresource; "" as namespace: cluster-wide.
MAY = {
    CONTROLLER: [
        *((v, r, "") for v in ("get", "list", "watch") for r in (
            f"connectors.{GROUP}", f"connectorclasses.{GROUP}", "secrets", "services", "namespaces", "pods")),
        *(("patch", r, "") for r in (f"connectors.{GROUP}", f"connectors.{GROUP}/status", f"connectorclasses.{GROUP}/status")),
        *((v, "services", "") for v in ("create", "update", "patch", "delete")),
        ("delete", "pods", ""),
        ("create", "events", ""),
        ("watch", "configmaps", SYSTEM),
        *((v, "leases.coordination.k8s.io", SYSTEM) for v in ("get", "create", "update")),
    ],
    PROXY: [
        *((v, r, "") for v in ("get", "list", "watch") for r in (
            f"connectors.{GROUP}", f"connectorclasses.{GROUP}", "secrets", "pods", "serviceaccounts", "namespaces",
            "roles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io")),
        ("create", "tokenreviews.authentication.k8s.io", ""),
        ("create", "subjectaccessreviews.authorization.k8s.io", ""),
        ("create", "events", ""),
        ("watch", "configmaps", SYSTEM),
    ],
}
MAY_NOT = {
    CONTROLLER: [
        *((v, f"connectors.{GROUP}", "") for v in ("create", "delete")),
        *((v, f"connectorclasses.{GROUP}", "") for v in ("create", "update", "delete")),
        ("create", f"connectors.{GROUP}/proxy", ""),
        *((v, "secrets", SYSTEM) for v in ("create", "update", "delete")),
        ("get", "configmaps", ""),
        ("update", "configmaps", SYSTEM),
        ("get", "leases.coordination.k8s.io", "default"),
        ("create", "pods", ""),
        ("create", "serviceaccounts/token", ""),
        ("create", "rolebindings.rbac.authorization.k8s.io", ""),
        ("escalate", "clusterroles.rbac.authorization.k8s.io", ""),
        ("impersonate", "users", ""),
    ],
    PROXY: [
        *((v, f"connectors.{GROUP}", "") for v in ("create", "update", "patch", "delete")),
        ("patch", f"connectors.{GROUP}/status", ""),
        ("update", "secrets", ""),
        ("delete", "pods", ""),
        ("create", "serviceaccounts/token", ""),
        ("get", "configmaps", "default"),
        ("create", "rolebindings.rbac.authorization.k8s.io", ""),
        ("impersonate", "users", ""),
        ("get", "leases.coordination.k8s.io", SYSTEM),
    ],
}
# ClusterRole, bound in namespace NS → what its holder may and may not do there.
PEOPLE = {
    "connectors-user": (
        [("get", "connectors")],
        [*((v, "connectors") for v in ("list", "watch", "create", "update", "delete")), ("get", "connectors/proxy"),
         ("get", "connectors/status"), ("get", "accesspolicies"), ("get", "accessrequests")],
    ),
    "view": (
        [(v, r) for v in ("get", "list", "watch") for r in ("connectors", "accesspolicies")],
        [("create", "connectors"), ("get", "accessrequests"), ("update", "accesspolicies"), ("create", "connectors/proxy")],
    ),
    "edit": (
        [("get", "connectors"), *((v, "connectors") for v in ("create", "update", "patch", "delete"))],
        [("update", "connectors/status"), ("get", "connectors/proxy"), ("create", "accesspolicies"), ("delete", "accessrequests")],
    ),
    "admin": (
        [("create", "connectors"), ("create", "accesspolicies"), ("delete", "accesspolicies"),
         *((v, "accessrequests") for v in ("get", "list", "watch", "delete"))],
        [("create", "accessrequests"), ("update", "accessrequests"), ("patch", "accessrequests/status"),
         ("update", "accesspolicies/status"), ("update", "connectors/status"), ("get", "connectors/proxy"),
         ("get", f"connectors/proxy/v1/pod/{NS}/pod"), ("get", "connectors/apis")],
    ),
}


def can(user, verb, resource, namespace):
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {"user": user}}
    if user.startswith("system:serviceaccount:"):
        groups = ["system:serviceaccounts", "system:serviceaccounts:" + user.split(":")[2], "system:authenticated"]
        review["spec"]["groups"] = groups
    kind, _, sub = resource.partition("/")
    name, _, group = kind.partition(".")
    asked = {"verb": verb, "resource": name, "group": group, "namespace": namespace, "subresource": sub}
    review["spec"]["resourceAttributes"] = {k: v for k, v in asked.items() if v}
    return create(review)["status"].get("allowed", False)


@pytest.mark.parametrize("user", [CONTROLLER, PROXY])
def test_component_may_do_its_work_and_no_more(user):
    missing = [row for row in MAY[user] if not can(user, *row)]
    excess = [row for row in MAY_NOT[user] if can(user, *row)]
    assert (missing, excess) == ([], [])


@pytest.mark.parametrize("role", sorted(PEOPLE))
def test_role_for_people(role):
    user = f"{role}-holder"
    kubectl("-n", NS, "create", "rolebinding", user, f"--clusterrole={role}", f"--user={user}")
    may, may_not = PEOPLE[role]

    def allowed(row):
        kind, _, sub = row[1].partition("/")
        return can(user, row[0], f"{kind}.{GROUP}" + (f"/{sub}" if sub else ""), NS)

    # The aggregation controller and the authorizer's cache follow within moments.
    eventually(lambda: [r for r in may if not allowed(r)] == [])
    assert [r for r in may_not if allowed(r)] == []
    assert not can(user, "get", f"connectors.{GROUP}", "default")


def test_no_role_for_people_holds_more_than_names():
    for role in documents("rbac/users.yaml"):
        for rule in role["rules"]:
            words = rule["apiGroups"] + rule["resources"] + rule["verbs"]
            assert not [w for w in words if "*" in w or "/" in w], role["metadata"]["name"]
            assert "nonResourceURLs" not in rule
            assert not {"accessrequests"} & set(rule["resources"]) or not {"create", "update", "patch"} & set(rule["verbs"])


def test_no_role_holds_a_wildcard_or_may_widen_itself():
    for doc in documents("rbac/*.yaml"):
        for rule in doc.get("rules", []):
            assert "*" not in rule["apiGroups"] + rule["resources"] + rule["verbs"]
            assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])


# --- files


def test_flags_are_off():
    flags = json.loads(kubectl("-n", SYSTEM, "get", "configmap", "connectors-config", "-o", "json"))["data"]
    assert len(flags) == 7 and set(flags.values()) == {"false"}


def test_kustomization_lists_every_file():
    listed = yaml.safe_load((CONFIG / "Kustomization").read_text())["resources"]
    assert listed == config_files()


def test_deploy_is_accepted():
    rendered = kubectl("kustomize", str(ROOT / "deploy"))
    kinds = [d["kind"] for d in yaml.safe_load_all(rendered)]
    assert kinds.count("Deployment") == 2 and kinds.count("CustomResourceDefinition") == 5
    kubectl("apply", "--dry-run=server", "-f", "-", stdin=rendered)


def test_deploy_gives_options_that_exist():
    program = os.environ.get("CONNECTORS_BIN", "")
    if not os.access(program, os.X_OK):
        pytest.skip("CONNECTORS_BIN names no program")
    for doc in (d for f in (ROOT / "deploy").glob("*.yaml") for d in yaml.safe_load_all(f.read_text())):
        if doc["kind"] != "Deployment":
            continue
        for container in doc["spec"]["template"]["spec"]["containers"]:
            command, *options = container["args"]
            shown = subprocess.run([program, command, "--help"], capture_output=True, text=True, timeout=10, check=True)
            assert [o for o in options if o.partition("=")[0] not in shown.stdout] == []


def test_shipped_classes_refer_to_the_shipped_proxy():
    services = [d for f in (ROOT / "deploy").glob("*.yaml") for d in yaml.safe_load_all(f.read_text()) if d["kind"] == "Service"]
    proxies = {(s["metadata"]["name"], s["metadata"]["namespace"]) for s in services}
    for doc in documents("classes/*.yaml"):
        ref = doc["spec"]["proxy"]["ref"]
        assert (ref["name"], ref["namespace"]) in proxies
        for note in ("ui.cpaas.io/icon", "cpaas.io/display-name", "cpaas.io/description",
                     "connectors.cpaas.io/readme", "connectors.cpaas.io/docs-link"):
            assert doc["metadata"]["annotations"][note]
