"""What a user of one namespace, or a workload, may try against the API server and the components themselves."""

import time
import urllib.parse

import pytest
from harness.kube import core, rbac
from harness.process import BIN, PATIENCE, run, wait_until

RBAC = "rbac.authorization.k8s.io"


def grant(world, account, *rules, name="granted"):
    world.api.create(rbac(world.ns, "roles"), {"apiVersion": RBAC + "/v1", "kind": "Role", "metadata": {"name": name}, "rules": list(rules)})
    world.api.create(rbac(world.ns, "rolebindings"), {
        "apiVersion": RBAC + "/v1", "kind": "RoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": world.ns}]})


@pytest.fixture
def eve(world):
    """The API as ServiceAccount eve, who may write roles and ConfigMaps of the namespace but not escalate."""
    world.account("eve")
    grant(world, "eve",
          {"apiGroups": [RBAC], "resources": ["roles", "rolebindings"], "verbs": ["get", "create", "update", "patch"]},
          {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]},
          {"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]},
          {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["own"], "verbs": ["get"]})
    return world.installation.api(world.token("eve", audiences=None))


def role(name, *rules):
    return {"apiVersion": RBAC + "/v1", "kind": "Role", "metadata": {"name": name}, "rules": list(rules)}


SECRETS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}


@pytest.mark.parametrize("more", [{}, {"resourceNames": [""]}, {"resourceNames": ["own", "other"]}, {"verbs": ["*"], "resourceNames": ["own"]}])
def test_nobody_grants_what_he_does_not_hold(world, eve, more):
    assert eve.ask("POST", rbac(world.ns, "roles"), role("more", {**SECRETS, **more}))[0] == 403
    assert eve.ask("POST", rbac(world.ns, "roles"), role("own", {**SECRETS, "resourceNames": ["own"]}))[0] == 201
    wider = {"rules": [{**SECRETS, **more}]}
    assert eve.ask("PATCH", rbac(world.ns, "roles", "own"), wider, content_type="application/merge-patch+json")[0] == 403
    assert eve.ask("PATCH", rbac(world.ns, "roles", "own"), wider, content_type="application/strategic-merge-patch+json")[0] == 403


def test_a_role_of_many_combinations_does_not_stop_the_server(world, eve, kube_kind):
    """Lists of one rule multiply: four of 1,500 items are 5 million million parts."""
    if kube_kind == "real":
        pytest.skip("it does stop kube-apiserver")
    many = [f"x{i}" for i in range(1500)]
    begun = time.monotonic()
    code, _ = eve.ask("POST", rbac(world.ns, "roles"),
                      role("many", {"apiGroups": many, "resources": many, "verbs": many, "resourceNames": many}))
    assert code in (403, 413)
    assert time.monotonic() - begun < 10 * PATIENCE


@pytest.mark.parametrize("user", ["system:serviceaccount:{ns}:a:b", "system:serviceaccount:{ns}:", "somebody"])
def test_a_right_in_a_namespace_impersonates_no_user(world, eve, user):
    """Users are of no namespace, however their names begin."""
    head = {"Impersonate-User": user.format(ns=world.ns)}
    code, _ = eve.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                      {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"}, headers=head)
    assert code == 403


def test_an_object_of_another_namespace_does_not_hold_an_owner(world, eve, kube_kind):
    if kube_kind == "real":
        pytest.skip("kube-controller-manager goes by uid alone")
    other = f"{world.ns}-other"
    world.api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}})
    try:
        owner = world.api.create(core(other, "configmaps"), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}})
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"], "blockOwnerDeletion": True}
        eve.create(core(world.ns, "configmaps"), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": "claims", "ownerReferences": [reference], "finalizers": ["test.example/hold"]}})
        world.api.call("DELETE", core(other, "configmaps", "owner"), {"propagationPolicy": "Foreground"})
        wait_until(lambda: world.api.ask("GET", core(other, "configmaps", "owner"))[0] == 404, "the owner is gone")
    finally:
        eve.merge(core(world.ns, "configmaps", "claims"), {"metadata": {"finalizers": None}})
        world.api.delete(f"/api/v1/namespaces/{other}")


def known_status(world, name, token):
    status = world.reverse(name, "/metrics", token).status
    return status != 404 and status


def test_listeners_of_our_own_are_no_tools(world, kube_kind):
    """The API server, the proxy, and what each component serves beside its work, under every spelling of this machine."""
    world.account("builder")
    world.bind("builder")
    token, endpoints = world.token("builder"), world.installation.endpoints
    beside = {f"{name}-metrics": url for name, url in endpoints["metrics"].items()}
    if kube_kind == "real":  # components started apart know nothing of each other's listeners
        beside.pop("controller-metrics")
    urls = {"server": endpoints["apiserver"], "proxy": endpoints["proxy"], **beside}
    for name, url in urls.items():
        at = urllib.parse.urlsplit(url)
        for i, host in enumerate(["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"]):
            world.connector(f"{name}-{i}", f"{at.scheme}://{host}:{at.port}", cls="http", auth="none", ready=None)
            status = wait_until(lambda: known_status(world, f"{name}-{i}", token), f"{name}-{i} is known to the proxy")
            assert status in (403, 502), (name, host, status)


def test_a_shared_data_directory_is_not_written_to(tmp_path):
    """Somebody put a link where a detached run would open its log."""
    shared, target = tmp_path / "shared", tmp_path / "target"
    (shared / "log").mkdir(parents=True)
    shared.chmod(0o1777)
    target.touch()
    (shared / "log" / "run.jsonl").symlink_to(target)
    done = run(BIN, "run", "--detach", "--data-dir", shared, "--apiserver-listen", "127.0.0.1:0", "--proxy-listen", "127.0.0.1:0", ok=False)
    assert "shared or not yours" in done.stderr
    assert target.read_text() == ""
    assert sorted(p.name for p in shared.rglob("*")) == ["log", "run.jsonl"]


@pytest.mark.parametrize("rest", ["/..#", "/..#x", "/a/../..#/b", "/x#y", "/x?q#y"])
def test_a_fragment_is_refused(tool, origin, rest):
    """Servers that cut a fragment off would see a path outside the address's prefix."""
    tool.connector("prefix", origin.url + "/prefix", "tool")
    token = tool.token("builder")
    tool.wait_status(200, "prefix", token=token)
    answer = tool.reverse("prefix", rest, token)
    assert (answer.status, answer.reason) == (400, "AmbiguousRequest")
    assert not [r for r in origin.requests if "#" in r["path"]]
