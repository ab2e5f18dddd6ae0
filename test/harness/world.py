"""One namespace of one test: objects with short names, tokens, and requests through the proxy."""

import base64
import http.client
import json
import urllib.parse

from harness.kube import connectors, core, rbac
from harness.process import wait_until

GROUP = "connectors.alauda.io/v1alpha1"


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Answer:
    """A response, read."""

    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def reason(self):
        return self.headers.get("X-Connectors-Error")


class World:
    def __init__(self, installation, ns):
        self.installation, self.ns, self.api = installation, ns, installation.api()
        self.proxy = installation.proxy
        self.kubectl = installation.kubectl(ns)
        self.api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ns}})
        wait_until(lambda: self.api.ask("GET", core(ns, "serviceaccounts", "default"))[0] == 200, "ServiceAccount default")

    def close(self):
        self.api.delete(f"/api/v1/namespaces/{self.ns}")

    def cli(self, *args, **more):
        verb, *rest = args
        return self.installation.cli(verb, "-n", self.ns, *rest, **more)

    # --- objects

    def account(self, name):
        self.api.create(core(self.ns, "serviceaccounts"), {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})

    def secret(self, name, kind="kubernetes.io/basic-auth", **strings):
        self.api.create(core(self.ns, "secrets"), {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind,
                                                   "stringData": strings})

    def connector_object(self, name, address, secret=None, cls="git", auth="basicAuth", ca=None):
        spec = {"connectorClassName": cls, "address": address, "auth": {"name": auth}}
        if secret:
            spec["auth"]["secretRef"] = {"name": secret}
        if ca:
            spec["caCertSecretRef"] = {"name": ca}
        return {"apiVersion": GROUP, "kind": "Connector", "metadata": {"name": name, "namespace": self.ns}, "spec": spec}

    def connector(self, name, address, secret=None, ready=True, **more):
        """Makes a Connector and waits until the controller has said that it is Ready (or not)."""
        self.api.create(connectors(self.ns), self.connector_object(name, address, secret, **more))
        if ready is not None:
            self.wait_condition(name, "Ready", "True" if ready else "False")

    def condition(self, name, kind):
        object_ = self.api.get(connectors(self.ns, name))
        found = [c for c in object_.get("status", {}).get("conditions", []) if c["type"] == kind]
        return found[0] if found else {}

    def wait_condition(self, name, kind, status, reason=None):
        def holds():
            c = self.condition(name, kind)
            return c.get("status") == status and (reason is None or c.get("reason") == reason) and c
        try:
            return wait_until(holds, f"{name} {kind}={status} {reason or ''}")
        except AssertionError as e:
            raise AssertionError(f"{e}: {json.dumps(self.api.get(connectors(self.ns, name)).get('status'))}") from None

    def bind(self, account, name=None, role="connectors-user", user_ns=None):
        name = name or f"{account}-uses"
        self.api.create(rbac(self.ns, "rolebindings"), {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": user_ns or self.ns}]})

    def pod(self, name, account="default"):
        return self.api.create(core(self.ns, "pods"), {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"serviceAccountName": account, "schedulingGates": [{"name": "test/gate"}],
                     "containers": [{"name": "c", "image": "none"}]}})

    def token(self, account="default", audiences=("connectors-proxy",), pod=None):
        spec = {"expirationSeconds": 3600}
        if audiences:
            spec["audiences"] = list(audiences)
        if pod:
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
        answer = self.api.create(core(self.ns, "serviceaccounts", account, "token"),
                                 {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec})
        return answer["status"]["token"]

    # --- requests

    def connect(self, proxy=None, timeout=60):
        url = urllib.parse.urlsplit(proxy or self.proxy)
        return http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)

    def path(self, connector, rest="/"):
        return f"/namespaces/{self.ns}/connectors/{connector}{rest}"

    def reverse(self, connector, rest="/", token=None, method="GET", body=None, headers=None, connection=None, proxy=None):
        """One request by path."""
        head = {"Authorization": "Bearer " + token} if token else {}
        c = connection or self.connect(proxy)
        c.request(method, self.path(connector, rest), body=body, headers={**head, **(headers or {})})
        answer = Answer(c.getresponse())
        if connection is None:
            c.close()
        return answer

    def forward(self, url, names, token=None, method="GET", headers=None):
        """One absolute-form request that lists these Connectors."""
        user = ",".join(urllib.parse.quote(f"{self.ns}/{n}", safe="") for n in names)
        head = {"Proxy-Authorization": basic(user, token)} if token else {}
        c = self.connect()
        c.request(method, url, headers={"Host": urllib.parse.urlsplit(url).netloc, **head, **(headers or {})})
        answer = Answer(c.getresponse())
        c.close()
        return answer

    def wait_status(self, status, connector, rest="/", **more):
        """Repeats a request until it is answered so: for what is only promised to come soon."""
        got = {}

        def holds():
            got["last"] = self.reverse(connector, rest, **more)
            return got["last"].status == status and got["last"]
        try:
            return wait_until(holds, f"{status} from {connector}")
        except AssertionError as e:
            raise AssertionError(f"{e}; last: {got['last'].status} {got['last'].body[:500]}") from None

    def audit(self):
        """Records of this namespace's Connectors."""
        lines = self.installation.audit.read_text().splitlines() if self.installation.audit.exists() else []
        return [r for r in map(json.loads, lines) if (r.get("connector") or {}).get("ns") == self.ns]
