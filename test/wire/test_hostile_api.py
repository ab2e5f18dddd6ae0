"""The API server under hostile clients: bodies, types, tokens, paths, queries and watches; nothing dies, nothing is shown."""

import base64
import itertools
import json
import threading
import time

import pytest
from harness.kube import Api, core, connectors
from harness.process import wait_until
from raw import Conn, head

NUMBERS = itertools.count(1)
MAPS = "/api/v1/namespaces/{}/configmaps"


@pytest.fixture(scope="module")
def api(site):
    return site.api


def post(api, path, body, content_type="application/json", **more):
    return api.ask("POST", path, body, content_type=content_type, **more)


def config(**more):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"m{next(NUMBERS)}"}, **more}


# --- bodies

NESTED = {"objects": '{"a":' * 50000 + "1" + "}" * 50000, "arrays": "[" * 200000 + "]" * 200000, "open": "[" * 1000000,
          "in-data": '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep","annotations":' + '{"a":' * 2000 + "1" + "}" * 2002}
BAD_JSON = {"empty": "", "blank": "  ", "word": "hello", "null": "null", "number": "1", "string": '"a"', "array": "[]", "cut": '{"metadata":',
            "twice": '{"metadata":{},"metadata":{}}', "trailing": "{} {}", "utf-8": b'{"metadata":{"name":"\xff"}}', "overlong": b'{"a":"\xc0\xaf"}',
            "surrogate": b'{"a":"\xed\xa0\x80"}', "lone-escape": '{"a":"\\ud800"}', "nul": b'{"a":"\0"}', "nul-escape": '{"a":"\\u0000"}',
            "utf-16": '{"a":1}'.encode("utf-16"), "bom": b'\xef\xbb\xbf{"a":1}', "nan": '{"a":NaN}', "huge-number": '{"a":1e999}',
            "comment": "{/**/}", "control": '{"a":"\x01"}'}


@pytest.mark.parametrize("case", [*NESTED, *BAD_JSON])
def test_bad_json(api, site, case):
    body = NESTED.get(case, BAD_JSON.get(case))
    code, answer = post(api, MAPS.format(site.ns), body)
    assert code in (400, 422), answer
    assert answer["kind"] == "Status" and answer["code"] == code and answer["message"] and len(json.dumps(answer)) < 2000


def test_body_at_and_over_the_limit(api, site):
    """3 MiB, as in Kubernetes; the refusal comes before the body has been read."""
    limit = 3 * 1024 * 1024
    overhead = len(json.dumps(config(data={"a": ""})))
    code, _ = post(api, MAPS.format(site.ns), json.dumps(config()) + " " * (limit - overhead))
    assert code == 201
    code, answer = post(api, MAPS.format(site.ns), json.dumps(config()) + " " * limit)
    assert (code, answer["reason"]) == (413, "RequestEntityTooLarge")
    url = api.server
    for lines in (["Content-Length: 99999999999"], ["Transfer-Encoding: chunked"]):
        with Conn(url, api.tls) as c:
            c.send(head("POST", MAPS.format(site.ns), "Content-Type: application/json", *lines))
            piece = b"x" * 65536
            for _ in range(100):
                c.send(piece if "Length" in lines[0] else b"10000\r\n" + piece + b"\r\n")
            assert c.answer().status == 413
            assert c.at_end()


def bomb(levels, width):
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, levels)]
    return "\n".join(lines)


YAML = {"laughs": bomb(12, 10), "two-levels": "a: &a " + "[" + "x," * 5000 + "]\nb: [" + "*a," * 5000 + "]", "cycle": "a: &a [*a]", "deep": "[" * 100000,
        "deep-block": "".join(" " * i + "a:\n" for i in range(1500)), "merge-bomb": "a: &a {x: 1}\nb: {" + "<<: *a, " * 1000 + "}",
        "keys": "? [a]\n: b", "two": "a: 1\n---\nb: 2", "tag": "!!python/object/apply:os.system [id]", "unknown-alias": "a: *b",
        "nul": "a: \"\\0\"", "utf-8": b"a: \xff", "directive": "%YAML 9.9\n---\na: 1", "tab": "a:\n\t- b", "scalar": "hello",
        "anchors": "\n".join(f"a{i}: &a{i} x" for i in range(100000))}


@pytest.mark.parametrize("case", YAML)
def test_bad_yaml(api, site, case):
    begin = time.monotonic()
    code, answer = post(api, MAPS.format(site.ns), YAML[case], "application/yaml")
    assert code in (400, 422), answer
    assert time.monotonic() - begin < 10


PROTOBUF = {"empty": b"", "magic": b"k8s\0", "cut": b"k8s\0\x0a\xff\xff\xff\xff\x0f", "garbage": b"k8s\0" + bytes(range(256)) * 10,
            "endless-varint": b"k8s\0" + b"\xff" * 1000, "groups": b"k8s\0" + b"\x0b" * 100000, "json": b'{"a":1}', "no-magic": b"\x0a\x00",
            "unknown-kind": b"k8s\0\x0a\x0a\x0a\x02v1\x12\x04Nope\x12\x00", "raw-garbage": b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x04\x0a\xff\xff\x0f",
            "raw-nested": b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\xfe\x01" + b"\x0a\x7f" * 127}


@pytest.mark.parametrize("case", PROTOBUF)
def test_bad_protobuf(api, site, case):
    code, answer = post(api, MAPS.format(site.ns), PROTOBUF[case], "application/vnd.kubernetes.protobuf")
    assert code in (400, 415, 422), answer


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", "*/*",
                                  "application/json-patch+json", "application/jsonx", "application", ";", "\xff"])
def test_bad_content_types(api, site, kind):
    code, answer = post(api, MAPS.format(site.ns), json.dumps(config()), kind)
    assert code in (400, 415) or (code == 201 and kind == ";"), answer


@pytest.mark.parametrize("patch_type, patch", [
    ("json-patch", "{}"), ("json-patch", "[1]"), ("json-patch", '[{"op":"add"}]'), ("json-patch", '[{"op":"evil","path":"/data"}]'),
    ("json-patch", '[{"op":"add","path":"data","value":1}]'), ("json-patch", '[{"op":"remove","path":"/data/nothing"}]'),
    ("json-patch", '[{"op":"add","path":"/data/99999999999999999999","value":[]},{"op":"test","path":"/x","value":1}]'),
    ("json-patch", '[{"op":"remove","path":""}]'), ("json-patch", '[{"op":"replace","path":"","value":1}]'),
    ("json-patch", '[{"op":"replace","path":"","value":null}]'),
    ("json-patch", json.dumps([{"op": "add", "path": "/data/a", "value": "x"}] * 10001)),
    ("json-patch", json.dumps([{"op": "copy", "from": "/metadata", "path": f"/metadata/c{i}"} for i in range(60)])),
    ("json-patch", json.dumps([{"op": "add", "path": "/x" * 20000, "value": 1}])),
    ("merge-patch", "[]"), ("merge-patch", "1"), ("merge-patch", '{"metadata":1}'), ("merge-patch", '{"kind":"Secret"}'),
    ("merge-patch", '{"metadata":{"name":"other"}}'), ("merge-patch", '{"metadata":{"uid":"other"}}'), ("merge-patch", '{"data":{"a":1}}'),
    ("strategic-merge-patch", '{"$patch":"evil"}'), ("strategic-merge-patch", '{"data":{"$retainKeys":1}}'), ("strategic-merge-patch", "[]"),
    ("strategic-merge-patch", '{"metadata":{"$setElementOrder/finalizers":"x"}}'), ("apply-patch", "a: ["), ("evil-patch", "{}")],
    ids=lambda v: v[:24])
def test_bad_patches(api, site, patch_type, patch):
    made = config(data={"a": "b"})
    name = made["metadata"]["name"]
    assert post(api, MAPS.format(site.ns), made)[0] == 201
    path = core(site.ns, "configmaps", name)
    before = api.get(path)
    code, answer = api.ask("PATCH", path, patch, content_type=f"application/{patch_type}+json")
    assert 400 <= code < 500, answer
    assert api.get(path) == before


@pytest.mark.parametrize("change, code", [
    ({"metadata": {}}, 422), ({"metadata": {"name": "A"}}, 422), ({"metadata": {"name": "a/b"}}, 422), ({"metadata": {"name": ".."}}, 422),
    ({"metadata": {"name": "%2e"}}, 422), ({"metadata": {"name": "a" * 300}}, 422), ({"metadata": {"name": 1}}, 400), ({"metadata": 1}, 400),
    ({"metadata": {"name": "a", "namespace": "other"}}, 400), ({"metadata": {"name": "a", "labels": {"a b": "c"}}}, 422),
    ({"metadata": {"name": "a", "labels": {"a": "x" * 64}}}, 422), ({"metadata": {"name": "a", "labels": []}}, 400),
    ({"metadata": {"name": "a", "annotations": {"a": "x" * 300000}}}, 422), ({"metadata": {"name": "a", "finalizers": ["a b"]}}, 422),
    ({"metadata": {"name": "a", "ownerReferences": [{}]}}, 422), ({"metadata": {"generateName": "A"}}, 422), ({"data": {"a": 1}}, 422),
    ({"data": {"../a": "b"}}, 422), ({"data": {"a/b": "b"}}, 422), ({"data": {"a": "x" * 1100000}}, 422), ({"kind": "Secret"}, 400), ({"apiVersion": "v9"}, 400),
    ({"metadata": {"name": "a", "resourceVersion": "5"}}, 400)], ids=lambda v: json.dumps(v)[:40])
def test_bad_objects(api, site, change, code):
    got, answer = post(api, MAPS.format(site.ns), {**config(), **change})
    assert (got, answer["kind"]) == (code, "Status"), answer
    assert len(json.dumps(answer)) < 3000


def test_connector_errors_name_the_field(api, site):
    body = site.connector_object("bad", "http://h")
    body["spec"]["address"] = 1
    code, answer = post(api, connectors(site.ns), body)
    assert code == 422 and "spec.address" in answer["message"] and answer["details"]["causes"][0]["field"] == "spec.address"


# --- who asks

def b64(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forgeries(token):
    first, second, third = token.split(".")

    def part(s):
        return json.loads(base64.urlsafe_b64decode(s + "=" * (-len(s) % 4)))
    header, claims = part(first), part(second)
    other = "a" if third[-10] != "a" else "b"
    return {
        "alg-none": f"{b64({**header, 'alg': 'none'})}.{second}.", "alg-None-signed": f"{b64({**header, 'alg': 'None'})}.{second}.{third}",
        "alg-hs256": f"{b64({**header, 'alg': 'HS256'})}.{second}.{third}", "alg-rs256": f"{b64({**header, 'alg': 'RS256'})}.{second}.{third}",
        "no-signature": f"{first}.{second}.", "two-parts": f"{first}.{second}", "four-parts": f"{token}.{third}",
        "other-signature": f"{first}.{second}.{third[:-10]}{other}{third[-9:]}", "zero-signature": f"{first}.{second}.{b64(bytes(64))}",
        "short-signature": f"{first}.{second}.{b64(bytes(8))}", "other-subject": f"{first}.{b64({**claims, 'sub': 'system:serviceaccount:kube-system:x'})}.{third}",
        "other-issuer": f"{first}.{b64({**claims, 'iss': 'https://evil.test'})}.{third}", "longer-life": f"{first}.{b64({**claims, 'exp': 9999999999})}.{third}",
        "other-kid": f"{b64({**header, 'kid': '../../../etc/passwd'})}.{second}.{third}", "jku": f"{b64({**header, 'jku': 'http://h/', 'jwk': {}})}.{second}.{third}",
        "crit": f"{b64({**header, 'crit': ['x']})}.{second}.{third}", "padded": f"{token}=", "junk": "junk", "dots": "..", "empty-parts": ".." + third,
        "claims-array": f"{first}.{b64([])}.{third}", "deep": f"{first}.{b64(b'[' * 20000)}.{third}", "binary": f"{first}.{b64(bytes(range(256)))}.{third}",
        "long": "x" * 40000, "space": token[:20] + " " + token[20:], "trailing": token + "%00"}


NAMES = list(forgeries("e30.e30." + "A" * 86))


@pytest.fixture(scope="module")
def anonymous(kube):
    """Sends requests without client certificate."""
    made = Api(kube.kubeconfig, token="x")
    made.token = None
    return made


@pytest.mark.parametrize("case", NAMES)
def test_forged_tokens(site, anonymous, case):
    """None is accepted, neither by the API server nor by the proxy nor by a review."""
    good = site.token("builder", audiences=None)
    line = f"Authorization: Bearer {forgeries(good)[case]}"
    with Conn(anonymous.server, anonymous.tls) as c:
        assert c.ask(head("GET", "/version", f"Authorization: Bearer {good}")).status == 200
        found = c.ask(head("GET", "/version", line))
        assert found.status == 401 and found.json["message"] == "Unauthorized"
    with Conn(site.proxy) as c:
        assert c.ask(head("GET", site.path("tool", "/forged"), f"Authorization: Bearer {good}")).status == 200
        found = c.ask(head("GET", site.path("tool", "/forged"), line))
        assert found.status == 401 and good[:40].encode() not in found.raw
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": forgeries(good)[case]}}
    code, answer = site.api.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
    assert code == 201 and not answer["status"].get("authenticated") and not answer["status"].get("user", {}).get("username")


def test_the_proxys_audience_is_none_of_the_api_servers(site, anonymous):
    with Conn(anonymous.server, anonymous.tls) as c:
        assert c.ask(head("GET", "/version", site.bearer)).status == 401


PATHS = ["/", "/api", "/apis", "/api/v1", "/version", "/openapi/v2", "/openapi/v3", "/metrics", "/api/v1/namespaces", "/api/v1/secrets", "/healthzx",
         "/healthz%2f..%2fapi", "//healthz", "/healthz/../api/v1/secrets", "/HEALTHZ", "/readyz/../../api", "/debug/pprof", "/logs", "/.well-known/openid-configuration"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "HEAD"])
def test_nobody_sees_more_than_health(anonymous, path, method):
    with Conn(anonymous.server, anonymous.tls) as c:
        found = c.ask(head(method, path), method)
        # Below the public paths there is nothing but "ok".
        assert found.status in (401, 403, 404, 405) or path.startswith(("/healthz/", "/readyz/")) and found.body in (b"ok", b""), found
        for line in ("Impersonate-User: system:admin", "Authorization: Basic YWRtaW46YWRtaW4=", "X-Remote-User: admin", "Cookie: token=x"):
            found = c.ask(head(method, "/api/v1/secrets", line), method)
            assert found.status == 401, (line, found)


def test_health_is_open(anonymous):
    for path in ("/healthz", "/livez", "/readyz"):
        assert anonymous.ask("GET", path)[0] == 200


@pytest.mark.parametrize("lines", [["Impersonate-User: system:admin"], ["Impersonate-Group: system:masters"], ["Impersonate-User: x", "Impersonate-Group: system:masters"],
                                   ["Impersonate-Uid: 1"], ["Impersonate-Extra-x: y"], ["Impersonate-User:"], ["impersonate-user: system:apiserver"]])
def test_a_workload_impersonates_nobody(site, anonymous, lines):
    token = site.token("builder", audiences=None)
    with Conn(anonymous.server, anonymous.tls) as c:
        found = c.ask(head("GET", "/api/v1/secrets", f"Authorization: Bearer {token}", *lines))
        assert found.status in (400, 403), found


# --- paths and queries

@pytest.mark.parametrize("path", [
    "/api/v1/namespaces/{ns}/secrets/..%2f..%2fkube-system", "/api/v1/namespaces/..%2fkube-system/secrets/x", "/api/v1/namespaces/{ns}/../kube-system/secrets",
    "/api/v1/namespaces/{ns}%2fsecrets/secrets", "/api/v1/namespaces/{ns}/secrets/tool%00", "/api/v1/namespaces/{ns}/secrets/%zz", "/api/v1/namespaces/{ns}/secrets/tool/x/y/z",
    "/api/v1/namespaces/{ns}/secrets/tool/status", "/api/v1//namespaces", "/api/v1/namespaces//secrets", "/api/v9/namespaces", "/apis/nope/v1/x", "/apis//v1/x",
    "/api/v1/namespaces/{ns}/nothing", "/api/v1/secrets/tool", "/api/v1/namespaces/{ns}/namespaces/{ns}", "/" + "a/" * 4000, "/%2e%2e/%2e%2e/etc/passwd",
    "/openapi/v3/../../etc/passwd", "/openapi/v3/apis/nope/v1", "/api/v1/namespaces/{ns}/secrets/" + "a" * 5000, "*", "http://h/api", "api/v1"])
def test_paths_lead_nowhere_else(site, api, path):
    with Conn(api.server, api.tls) as c:
        found = c.ask(head("GET", path.format(ns=site.ns)))
        # A name with a '/' in it is a name that nothing has.
        assert found.status in (400, 404, 405) or found.json["items"] == [], found
        assert not any(f.encode() in found.body for f in site.passwords.values()) and b"root:" not in found.body


@pytest.mark.parametrize("query, codes", [
    ("limit=-1", {400}), ("limit=x", {400}), ("limit=99999999999999999999", {400}), ("limit=9223372036854775807", {200}), ("continue=x", {400}), ("continue=" + "A" * 9000, {400}),
    ("resourceVersion=x", {400}), ("resourceVersion=-1", {400}), ("resourceVersion=0", {200}), ("timeoutSeconds=x", {400}), ("watch=maybe", {400}), ("labelSelector=%zz", {400}),
    ("labelSelector==", {400}), ("labelSelector=a+in+(", {400}), ("labelSelector=a+in+()", {200, 400}), ("labelSelector=!!a", {400}), ("labelSelector=a=b=c", {400}),
    ("labelSelector=" + "%28" * 5000, {400}), ("labelSelector=" + ",".join(f"k{i}!=v" for i in range(1500)), {200, 400}),
    ("labelSelector=a+in+(" + ",".join(f"v{i}" for i in range(2000)) + ")", {200, 400}), ("labelSelector=" + "a" * 400, {400}), ("fieldSelector=nope=1", {400}),
    ("fieldSelector=metadata.name", {400}), ("fieldSelector=" + "metadata.name%3Da," * 700 + "metadata.name%3Da", {200, 400}), ("resourceVersionMatch=Exact", {400, 422}),
    ("resourceVersionMatch=Nope&resourceVersion=1", {400, 422}), ("sendInitialEvents=true", {400, 422}), ("nothing=1", {200}), ("pretty=true", {200}), ("&&&=&=", {200, 400}),
    ("limit=1&limit=2", {200}), ("%00=1", {400}), ("a=%00", {400}), ("fieldValidation=Nope", {200, 400, 422}), ("includeObject=Nope", {200, 400})], ids=lambda v: v[:30] if isinstance(v, str) else "")
def test_queries(site, api, query, codes):
    with Conn(api.server, api.tls) as c:
        begin = time.monotonic()
        found = c.ask(head("GET", f"{MAPS.format(site.ns)}?{query}"))
        assert found.status in codes, found
        assert found.json["kind"] == ("Status" if found.status >= 400 else "ConfigMapList")
        assert time.monotonic() - begin < 5


# --- watches

def test_a_thousand_watches(site, api):
    """They are all served, a slow one holds up nobody, and their end leaves nothing behind."""
    path = f"{MAPS.format(site.ns)}?watch=1&resourceVersion={api.get(MAPS.format(site.ns))['metadata']['resourceVersion']}"
    held, lock = [], threading.Lock()

    def start(count):
        for _ in range(count):
            c = Conn(api.server, api.tls)
            c.send(head("GET", path))
            with lock:
                held.append(c)
    threads = [threading.Thread(target=start, args=(250,)) for _ in range(4)]
    try:
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert all(c.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200") for c in held)
        made = config()
        assert post(api, MAPS.format(site.ns), made)[0] == 201
        assert all(made["metadata"]["name"].encode() in c.until(b"}\n") for c in held)
        assert api.ask("GET", "/version")[0] == 200
    finally:
        for c in held:
            c.close()
    wait_until(lambda: api.ask("GET", "/readyz")[0] == 200, "API server at rest")


def test_watch_queries(site, api):
    for query, codes in (("watch=1&timeoutSeconds=0&resourceVersion=99999999", {200, 504}), ("watch=1&resourceVersion=-1", {400}),
                         ("watch=1&timeoutSeconds=-5", {400}), ("watch=1&fieldSelector=nope%3D1", {400}), ("watch=1&continue=x", {200, 400})):
        with Conn(api.server, api.tls) as c:
            c.send(head("GET", f"{MAPS.format(site.ns)}?{query}"))
            assert int(c.until(b"\r\n\r\n")[9:12]) in codes, query


def test_schema_patterns_cost_no_memory(api):
    """A CRD whose pattern would take gigabytes to compile is refused, or harmless."""
    for i, pattern in enumerate(["((((((a{1,255}){1,255}){1,255}){1,255}){1,255}){1,255})", "(a*)*" * 2000 + "b", "(" * 20000, "[" * 1000, "a{99999}", "(?=a)", "\\1"]):
        crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"bombs{i}.wire.test"}, "spec": {
            "group": "wire.test", "scope": "Namespaced", "names": {"plural": f"bombs{i}", "kind": f"Bomb{i}"}, "versions": [{
                "name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "a": {"type": "string", "pattern": pattern}}}}}]}}
        code, _ = post(api, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        assert code in (201, 400, 422)
        if code == 201:
            path = f"/apis/wire.test/v1/namespaces/default/bombs{i}"
            wait_until(lambda: api.ask("GET", path)[0] == 200, "kind served")
            begin = time.monotonic()
            assert post(api, path, {"apiVersion": "wire.test/v1", "kind": f"Bomb{i}", "metadata": {"name": "a"}, "a": "a" * 3000})[0] in (201, 422)
            assert time.monotonic() - begin < 5
            api.delete(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/bombs{i}.wire.test")


# --- nothing is shown

def test_refused_secrets_are_not_repeated(site, api):
    """Errors about a Secret name the field, never the value."""
    canary = "canary-" + base64.b64encode(bytes(range(40, 70))).decode().rstrip("=")
    path = core(site.ns, "secrets")
    base = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bad"}}
    bodies = [{**base, "data": {"a": canary + "!"}}, {**base, "data": {"a": [canary]}}, {**base, "stringData": {"a": {"b": canary}}}, {**base, "data": canary},
              {**base, "type": "kubernetes.io/tls", "stringData": {"tls.crt": canary}}, {**base, "type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": canary}},
              {**base, "stringData": {"a/b": canary}}, {**base, "metadata": {"name": "BAD"}, "stringData": {"a": canary}}, json.dumps({**base, "stringData": {"a": canary}})[:-1],
              json.dumps({**base, "stringData": {"a": canary}})[:-3] + '\\u0000"}}', {**base, "immutable": canary, "stringData": {"a": canary}}]
    for body in bodies:
        code, answer = post(api, path, body)
        assert code in (400, 422), (code, body)
        assert canary not in json.dumps(answer), answer
    for text in (f"a: [{canary}", f"stringData: {{a: {canary}}}\n: :", f'data: {{"a": "{canary}'):
        code, answer = post(api, path, text, "application/yaml")
        assert code in (400, 422) and canary not in json.dumps(answer), answer
    assert canary not in (site.installation.data / "log" / "apiserver.jsonl").read_text()
