"""What the embedded API server promises beside kubectl's use of it: watch and list semantics, content types, limits, preconditions."""

import itertools
import json
import threading

import pytest
from harness.kube import Api, Refused, core
from harness.process import BIN, Process, wait_until

NUMBERS = itertools.count(1)
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
HISTORY = 200
SCHEMA = {"type": "object", "properties": {"spec": {"type": "object", "required": ["size"], "properties": {
    "size": {"type": "integer", "maximum": 10}, "color": {"type": "string", "default": "red"}}}, "status": {
        "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}


class Server:
    def __init__(self, directory):
        self.dir = directory
        self.start()

    def start(self):
        address = self.dir / "address.json"
        address.unlink(missing_ok=True)
        self.process = Process("apiserver", [BIN, "apiserver", "--data-dir", self.dir / "data", "--listen", "127.0.0.1:0", "--address-file",
                                             address, "--history-events", HISTORY], self.dir / "apiserver.log")
        self.process.wait_ready(address.exists, "address file")
        self.api = Api(self.dir / "data" / "kubeconfig")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("apiserver"))
    yield made
    assert made.process.stop() == 0


@pytest.fixture
def api(server):
    return server.api


@pytest.fixture
def ns(api):
    name = f"w{next(NUMBERS)}"
    api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    return name


@pytest.fixture(scope="module")
def widgets(server):
    """Path of a custom kind's collection in a namespace."""
    api = server.api
    api.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
        "metadata": {"name": "widgets.wire.test"},
        "spec": {"group": "wire.test", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"}, "versions": [{
            "name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}, "subresources": {"status": {}},
            "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]}]}})
    wait_until(lambda: api.ask("GET", "/apis/wire.test/v1/widgets")[0] == 200, "custom kind served")
    return "/apis/wire.test/v1/namespaces/{}/widgets"


def config(name, labels=None, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels or {}}, "data": data}


def rv_of(answer):
    return answer["metadata"]["resourceVersion"]


def shown(events, count):
    """(type, name) of the next events that are no bookmarks."""
    real = (e for e in events if e["type"] != "BOOKMARK")
    return [(e["type"], e["object"]["metadata"]["name"]) for e in itertools.islice(real, count)]


# --- watch

def test_watch_continues_from_any_revision(api, ns):
    path = core(ns, "configmaps")
    start = rv_of(api.get(path))
    first = api.create(path, config("a"))
    api.merge(f"{path}/a", {"data": {"k": "v"}})
    api.create(path, config("b"))
    api.delete(f"{path}/a")
    want = [("ADDED", "a"), ("MODIFIED", "a"), ("ADDED", "b"), ("DELETED", "a")]
    # The namespace's own ConfigMap may come late.
    no_root = path + "?fieldSelector=metadata.name!=kube-root-ca.crt"
    assert shown(api.watch(no_root, start), 4) == want
    assert shown(api.watch(no_root, rv_of(first)), 3) == want[1:]


def test_watch_revisions_rise_and_deletion_has_its_own(api, ns):
    path = core(ns, "secrets")
    start = rv_of(api.get(path))
    made = api.create(path, {"metadata": {"name": "s"}})
    api.delete(f"{path}/s")
    events = list(itertools.islice((e for e in api.watch(path, start) if e["type"] != "BOOKMARK"), 2))
    versions = [int(rv_of(e["object"])) for e in events]
    assert versions[0] == int(rv_of(made)) < versions[1]
    assert events[1]["object"]["metadata"]["uid"] == made["metadata"]["uid"]


@pytest.mark.parametrize("rv", ["", "0"])
def test_watch_without_revision_starts_with_what_is_there(api, ns, rv):
    path = core(ns, "secrets")
    for name in "ab":
        api.create(path, {"metadata": {"name": name}})
    assert shown(api.watch(path, rv), 2) == [("ADDED", "a"), ("ADDED", "b")]


def test_watch_list_ends_with_an_annotated_bookmark(api, ns):
    path = core(ns, "secrets")
    made = api.create(path, {"metadata": {"name": "a"}})
    events = api.watch(path + "?sendInitialEvents=true&resourceVersionMatch=NotOlderThan", "")
    first, mark = next(events), next(events)
    assert (first["type"], mark["type"]) == ("ADDED", "BOOKMARK")
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(rv_of(mark["object"])) >= int(rv_of(made))
    api.create(path, {"metadata": {"name": "b"}})
    assert shown(events, 1) == [("ADDED", "b")]


def test_watch_shows_objects_that_begin_and_cease_to_match(api, ns):
    path = core(ns, "configmaps")
    start = rv_of(api.create(path, config("a")))
    api.merge(f"{path}/a", {"metadata": {"labels": {"on": "1"}}})
    api.merge(f"{path}/a", {"data": {"k": "v"}})
    last = api.merge(f"{path}/a", {"metadata": {"labels": {"on": "0"}}})
    api.delete(f"{path}/a")
    api.create(path, config("end", {"on": "1"}))
    events = list(itertools.islice(api.watch(path + "?labelSelector=on%3D1", start), 4))
    assert [e["type"] for e in events] == ["ADDED", "MODIFIED", "DELETED", "ADDED"]
    assert events[2]["object"]["metadata"]["labels"] == {"on": "1"}
    assert rv_of(events[2]["object"]) == rv_of(last)


def test_watch_by_field(api, ns):
    path = core(ns, "secrets")
    start = rv_of(api.get(path))
    api.create(path, {"metadata": {"name": "a"}})
    api.create(path, {"metadata": {"name": "b"}, "type": "x/y"})
    assert shown(api.watch(path + "?fieldSelector=type%3Dx/y", start), 1) == [("ADDED", "b")]


def test_watch_ends_at_its_timeout_with_a_bookmark(api, ns):
    path = core(ns, "secrets")
    now = rv_of(api.create(core(ns, "configmaps"), config("elsewhere")))
    events = list(api.watch(path + "?timeoutSeconds=1", rv_of(api.get(path))))
    assert [e["type"] for e in events] == ["BOOKMARK"]
    assert int(rv_of(events[0]["object"])) >= int(now)


def test_watch_beyond_history_is_told_so(api, ns):
    path = core(ns, "configmaps")
    start = rv_of(api.create(path, config("a")))
    for i in range(HISTORY + 10):
        api.merge(f"{path}/a", {"data": {"k": str(i)}})
    event = next(api.watch(path, start))
    assert event["type"] == "ERROR" and event["object"]["code"] == 410 and event["object"]["reason"] == "Expired"
    with pytest.raises(Refused) as refused:
        api.get(f"{path}?resourceVersion={start}&resourceVersionMatch=Exact")
    assert refused.value.code == 410


def test_watch_of_the_future_is_refused(api, ns):
    with pytest.raises(Refused) as refused:
        next(api.watch(core(ns, "secrets"), "99999999"))
    assert refused.value.code == 504
    assert refused.value.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_watch_as_table_defines_columns_once(api, ns):
    path = core(ns, "secrets")
    for name in "ab":
        api.create(path, {"metadata": {"name": name}})
    connection = api.connect()
    response = api.send(connection, "GET", path + "?watch=1", headers={"Accept": TABLE})
    tables = [json.loads(response.readline())["object"] for _ in range(2)]
    connection.close()
    assert [len(t["columnDefinitions"]) > 0 for t in tables] == [True, False]
    assert [t["rows"][0]["cells"][0] for t in tables] == ["a", "b"]


def test_slow_watcher_is_let_go_and_holds_up_nobody(api, ns):
    path = core(ns, "configmaps")
    start = rv_of(api.get(path))
    connection = api.connect()
    slow = api.send(connection, "GET", f"{path}?watch=1&resourceVersion={start}")
    big = "x" * 200_000
    for i in range(40):
        api.create(path, config(f"c{i}", v=big))
    assert len(shown(api.watch(path, ""), 40)) == 40
    names = [json.loads(line)["object"]["metadata"]["name"] for line in itertools.islice(slow, 40)]
    assert [n for n in names if n.startswith("c")][:39] == [f"c{i}" for i in range(40)][:39]
    connection.close()


def test_watch_ends_when_its_kind_goes(api, ns):
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    api.create(crds, {"metadata": {"name": "goers.wire.test"}, "spec": {
        "group": "wire.test", "scope": "Cluster", "names": {"plural": "goers", "kind": "Goer"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]}})
    wait_until(lambda: api.ask("GET", "/apis/wire.test/v1/goers")[0] == 200, "custom kind served")
    api.create("/apis/wire.test/v1/goers", {"apiVersion": "wire.test/v1", "kind": "Goer", "metadata": {"name": "g"}})
    started, ended = threading.Event(), threading.Event()

    def follow():
        for _ in api.watch("/apis/wire.test/v1/goers", ""):
            started.set()
        ended.set()

    threading.Thread(target=follow, daemon=True).start()
    assert started.wait(10)
    api.delete(f"{crds}/goers.wire.test")
    assert ended.wait(10)
    wait_until(lambda: api.ask("GET", "/apis/wire.test/v1/goers")[0] == 404, "custom kind gone")


def test_restart_loses_nothing_and_watches_go_on(tmp_path):
    server = Server(tmp_path)
    path = core("default", "configmaps")
    start = rv_of(server.api.create(path, config("a")))
    server.api.create(path, config("b"))
    server.process.popen.kill()
    server.process.popen.wait()
    server.start()
    server.api.delete(f"{path}/a")
    assert shown(server.api.watch(path, start), 2) == [("ADDED", "b"), ("DELETED", "a")]
    assert server.process.stop() == 0


# --- lists and forms

def test_pages(api, ns):
    path = core(ns, "secrets")
    for i in range(5):
        api.create(path, {"metadata": {"name": f"s{i}"}})
    page = api.get(path + "?limit=2")
    assert page["metadata"]["remainingItemCount"] == 3
    names = [o["metadata"]["name"] for o in page["items"]]
    api.delete(f"{path}/s4")
    while page["metadata"].get("continue"):
        page = api.get(f"{path}?limit=2&continue={page['metadata']['continue']}")
        names += [o["metadata"]["name"] for o in page["items"]]
    assert names == [f"s{i}" for i in range(5)]


def test_table_and_metadata_forms(api, ns):
    path = core(ns, "secrets")
    api.create(path, {"metadata": {"name": "s"}, "stringData": {"k": "v"}})
    table = api.call("GET", path, headers={"Accept": TABLE + ",application/json"})
    assert table["kind"] == "Table" and [c["name"] for c in table["columnDefinitions"]] == ["Name", "Type", "Data", "Age"]
    assert table["rows"][0]["cells"][:3] == ["s", "Opaque", 1]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata" and "data" not in table["rows"][0]["object"]
    whole = api.call("GET", path + "?includeObject=Object", headers={"Accept": TABLE})
    assert whole["rows"][0]["object"]["data"] == {"k": "dg=="}
    partial = api.call("GET", path, headers={"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"})
    assert partial["kind"] == "PartialObjectMetadataList" and set(partial["items"][0]) == {"kind", "apiVersion", "metadata"}


def test_custom_columns(api, ns, widgets):
    path = widgets.format(ns)
    api.create(path, {"apiVersion": "wire.test/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 3}})
    table = api.call("GET", path, headers={"Accept": TABLE})
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Size"]
    assert table["rows"][0]["cells"] == ["w", 3]


def test_aggregated_discovery(api, widgets):
    asked = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    groups = api.call("GET", "/apis", headers={"Accept": asked})
    assert groups["kind"] == "APIGroupDiscoveryList"
    group = next(g for g in groups["items"] if g["metadata"]["name"] == "wire.test")
    resource = group["versions"][0]["resources"][0]
    assert resource["resource"] == "widgets" and resource["subresources"][0]["subresource"] == "status"


def test_openapi_has_custom_kinds(api, widgets):
    index = api.get("/openapi/v3")
    document = api.get(index["paths"]["apis/wire.test/v1"]["serverRelativeURL"])
    schema = document["components"]["schemas"]["test.wire.v1.Widget"]
    assert schema["properties"]["spec"]["properties"]["size"]["maximum"] == 10
    item = document["paths"]["/apis/wire.test/v1/namespaces/{namespace}/widgets/{name}"]
    assert "fieldValidation" in [p["name"] for p in item["patch"]["parameters"]]


# --- writes

def test_custom_object_is_pruned_defaulted_and_validated(api, ns, widgets):
    path = widgets.format(ns)
    body = {"apiVersion": "wire.test/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 3, "extra": 1}, "status": {"a": 1}}
    made = api.create(path + "?fieldValidation=Ignore", body)
    assert made["spec"] == {"size": 3, "color": "red"} and "status" not in made
    with pytest.raises(Refused) as refused:
        api.merge(f"{path}/w", {"spec": {"size": 11}})
    cause = refused.value.body["details"]["causes"][0]
    assert refused.value.code == 422 and cause["field"] == "spec.size" and cause["reason"] == "FieldValueInvalid"
    with pytest.raises(Refused) as refused:
        api.create(path + "?fieldValidation=Strict", body)
    assert refused.value.code == 400 and 'unknown field "spec.extra"' in refused.value.body["message"]


def test_status_and_generation(api, ns, widgets):
    path = widgets.format(ns)
    api.create(path, {"apiVersion": "wire.test/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}})
    after = api.merge(f"{path}/w/status", {"spec": {"size": 2}, "status": {"seen": True}})
    assert (after["spec"]["size"], after["status"], after["metadata"]["generation"]) == (1, {"seen": True}, 1)
    after = api.merge(f"{path}/w", {"spec": {"size": 2}, "status": {"seen": False}})
    assert (after["spec"]["size"], after["status"], after["metadata"]["generation"]) == (2, {"seen": True}, 2)


def test_unknown_fields_warn(api, ns):
    connection = api.connect()
    response = api.send(connection, "POST", core(ns, "configmaps"), {**config("a"), "dat": {}})
    assert response.status == 201 and response.getheader("Warning") == '299 - "unknown field \\"dat\\""'
    connection.close()


def test_put_with_a_stale_version_conflicts(api, ns):
    path = core(ns, "configmaps")
    made = api.create(path, config("a"))
    api.merge(f"{path}/a", {"data": {"k": "1"}})
    with pytest.raises(Refused) as refused:
        api.call("PUT", f"{path}/a", {**made, "data": {"k": "2"}})
    assert refused.value.code == 409 and refused.value.body["reason"] == "Conflict"
    del made["metadata"]["resourceVersion"]
    assert api.call("PUT", f"{path}/a", {**made, "data": {"k": "2"}})["data"] == {"k": "2"}


def test_patch_forms(api, ns, widgets):
    path = core(ns, "serviceaccounts")
    api.create(path, {"metadata": {"name": "a"}, "imagePullSecrets": [{"name": "x"}]})
    got = api.call("PATCH", f"{path}/a", {"imagePullSecrets": [{"name": "y"}]}, content_type="application/strategic-merge-patch+json")
    assert sorted(s["name"] for s in got["imagePullSecrets"]) == ["x", "y"]
    got = api.call("PATCH", f"{path}/a", [{"op": "remove", "path": "/imagePullSecrets/0"}], content_type="application/json-patch+json")
    assert len(got["imagePullSecrets"]) == 1
    for body, kind, code in (
            ([{"op": "test", "path": "/kind", "value": "x"}], "application/json-patch+json", 422),
            ({"op": "x"}, "application/json-patch+json", 400),
            ([], "application/merge-patch+json", 400),
            ({}, "application/apply-patch+yaml", 415),
            ({}, "application/json", 415)):
        assert api.ask("PATCH", f"{path}/a", body, content_type=kind)[0] == code
    api.create(widgets.format(ns), {"apiVersion": "wire.test/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}})
    assert api.ask("PATCH", widgets.format(ns) + "/w", {}, content_type="application/strategic-merge-patch+json")[0] == 415


def test_dry_run_and_preconditions(api, ns):
    path = core(ns, "configmaps")
    assert api.create(path + "?dryRun=All", config("a"))["metadata"]["uid"]
    assert api.ask("GET", f"{path}/a")[0] == 404
    assert api.ask("POST", path + "?dryRun=Some", config("a"))[0] == 422
    made = api.create(path, config("a"))
    wrong = {"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}}
    assert api.ask("DELETE", f"{path}/a", wrong)[0] == 409
    assert api.call("DELETE", f"{path}/a", {"dryRun": ["All"]})["status"] == "Success"
    assert api.call("DELETE", f"{path}/a", {"preconditions": {"uid": made["metadata"]["uid"]}})["details"]["name"] == "a"


def test_collection_delete_takes_what_the_list_shows(api, ns):
    path = core(ns, "configmaps")
    for i in range(200):
        api.create(path, config(f"c{i}", {"even": str(i % 2 == 0)}))
    gone = api.call("DELETE", path + "?labelSelector=even%3DTrue")
    assert len(gone["items"]) == 100
    left = [o["metadata"]["name"] for o in api.get(path + "?labelSelector=even")["items"]]
    assert sorted(left) == sorted(f"c{i}" for i in range(1, 200, 2))


# --- refusals

@pytest.mark.parametrize("method, path, body, headers, code", [
    ("GET", "/api/v1/nothing", None, {}, 404),
    ("GET", "/apis/none/v1/x", None, {}, 404),
    ("GET", "/nothing", None, {}, 404),
    ("GET", "/api/v1/secrets/s", None, {}, 404),
    ("GET", "/api/v1/namespaces/default/namespaces", None, {}, 404),
    ("GET", "/api/v1/namespaces/default/pods/p/log", None, {}, 404),
    ("GET", "/api/v1/namespaces/default/secrets/%zz", None, {}, 400),
    ("POST", "/api/v1/secrets", {"metadata": {"name": "s"}}, {}, 405),
    ("POST", "/api/v1/namespaces/default/secrets/s", {}, {}, 405),
    ("DELETE", "/api/v1/namespaces", None, {}, 405),
    ("BREW", "/api/v1/namespaces", None, {}, 405),
    ("GET", "/apis/authentication.k8s.io/v1/tokenreviews", None, {}, 405),
    ("GET", "/api/v1/namespaces", None, {"Accept": "text/html"}, 406),
    ("GET", "/api/v1/namespaces", None, {"Accept": "application/vnd.kubernetes.protobuf"}, 406),
    ("POST", "/api/v1/namespaces", "a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ("POST", "/api/v1/namespaces", "{", {}, 400),
    ("POST", "/api/v1/namespaces", "[]", {}, 400),
    ("POST", "/api/v1/namespaces", "", {}, 400),
    ("POST", "/api/v1/namespaces", {"kind": "Secret", "metadata": {"name": "x"}}, {}, 400),
    ("POST", "/api/v1/namespaces", {"apiVersion": "v2", "metadata": {"name": "x"}}, {}, 400),
    ("POST", "/api/v1/namespaces", {"metadata": {"name": "X"}}, {}, 422),
    ("POST", "/api/v1/namespaces/none/secrets", {"metadata": {"name": "x"}}, {}, 404),
    ("POST", "/api/v1/namespaces", "[" * 200 + "]" * 200, {}, 400),
    ("DELETE", "/api/v1/namespaces/default?propagationPolicy=Maybe", None, {}, 422),
])
def test_refusals_are_status_objects(api, method, path, body, headers, code):
    got, status = api.ask(method, path, body, headers=headers, content_type=headers.get("Content-Type", "application/json"))
    assert got == code, status
    assert status["kind"] == "Status" and status["status"] == "Failure" and status["code"] == code and status["message"]


def test_body_limit(api, ns):
    path = core(ns, "configmaps")
    size = 3 * 1024 * 1024
    body = json.dumps(config("big", v=""))
    fits = body.replace('"v": ""', '"v": "' + "x" * (size - len(body)) + '"')
    assert len(fits) == size and api.ask("POST", path, fits)[0] in (201, 413, 422)
    got, status = api.ask("POST", path, fits + " ")
    assert got == 413 and status["reason"] == "RequestEntityTooLarge"


def test_nothing_but_health_without_credentials(server):
    stranger = Api(server.dir / "data" / "kubeconfig", token="nonsense")
    for path in ("/healthz", "/readyz", "/livez"):
        assert stranger.ask("GET", path) == (200, "ok")
    for path in ("/", "/api", "/apis", "/version", "/openapi/v3", "/api/v1/namespaces", "/healthzz"):
        got, status = stranger.ask("GET", path)
        assert got == 401 and status["reason"] == "Unauthorized"
