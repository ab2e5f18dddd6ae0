"""A small client of any Kubernetes API server, and kubectl."""

import base64
import http.client
import json
import os
import re
import ssl
import sys
import tempfile
import urllib.parse
from pathlib import Path

from harness.process import clean_env, run

CONNECTORS = "/apis/connectors.alauda.io/v1alpha1"


def _one(text, key):
    found = re.search(rf'"?{key}"?:\s*"?([^"\s,}}]+)', text)
    return found and found.group(1)


class Refused(Exception):
    """An answer of 400 or more; .code and .body (the Status object)."""

    def __init__(self, code, body):
        super().__init__(f"{code}: {json.dumps(body)[:1000]}")
        self.code, self.body = code, body


class Api:
    """Requests as the user of a kubeconfig, or with a bearer token instead."""

    def __init__(self, kubeconfig, token=None):
        text = Path(kubeconfig).read_text()
        self.server = _one(text, "server")
        self.token = token
        self.tls = ssl.create_default_context(cadata=self._pem(text, "certificate-authority-data"))
        self.tls.check_hostname = True
        if token is None and _one(text, "client-certificate-data"):
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as f:
                f.write(self._pem(text, "client-certificate-data") + "\n" + self._pem(text, "client-key-data"))
                f.flush()
                self.tls.load_cert_chain(f.name)
        elif token is None:
            self.token = _one(text, "token")

    @staticmethod
    def _pem(text, key):
        return base64.b64decode(_one(text, key)).decode()

    def connect(self, timeout=60):
        url = urllib.parse.urlsplit(self.server)
        return http.client.HTTPSConnection(url.hostname, url.port, context=self.tls, timeout=timeout)

    def send(self, connection, method, path, body=None, content_type="application/json", headers=None):
        """Sends one request on a connection and returns the response, unread."""
        head = {"Accept": "application/json", **(headers or {})}
        if self.token:
            head["Authorization"] = "Bearer " + self.token
        raw = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        if raw is not None:
            head["Content-Type"] = content_type
        connection.request(method, path, body=raw, headers=head)
        return connection.getresponse()

    def ask(self, method, path, body=None, **more):
        """Returns (status, parsed body)."""
        connection = self.connect()
        try:
            response = self.send(connection, method, path, body, **more)
            text = response.read()
            return response.status, json.loads(text) if text[:1] in (b"{", b"[") else text.decode()
        finally:
            connection.close()

    def call(self, method, path, body=None, **more):
        """Returns the parsed body; raises Refused."""
        code, answer = self.ask(method, path, body, **more)
        if code >= 400:
            raise Refused(code, answer)
        return answer

    def get(self, path):
        return self.call("GET", path)

    def create(self, path, body):
        return self.call("POST", path, body)

    def merge(self, path, body):
        return self.call("PATCH", path, body, content_type="application/merge-patch+json")

    def delete(self, path):
        return self.call("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0})

    def watch(self, path, rv, timeout=60):
        """Yields events after resource version rv until the connection ends."""
        connection = self.connect(timeout)
        try:
            sep = "&" if "?" in path else "?"
            response = self.send(connection, "GET", f"{path}{sep}watch=1&allowWatchBookmarks=true&resourceVersion={rv}")
            if response.status >= 400:
                raise Refused(response.status, json.loads(response.read()))
            for line in response:
                yield json.loads(line)
        finally:
            connection.close()


def core(ns, plural, name="", sub=""):
    path = f"/api/v1/namespaces/{ns}/{plural}"
    return path + (f"/{name}" if name else "") + (f"/{sub}" if sub else "")


def rbac(ns, plural, name=""):
    return f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/{plural}" + (f"/{name}" if name else "")


def connectors(ns, name="", sub=""):
    return f"{CONNECTORS}/namespaces/{ns}/connectors" + (f"/{name}" if name else "") + (f"/{sub}" if sub else "")


def ready_path():
    """The kubectl that test/kube/run.sh names, else the one that `make test-deps` found or built."""
    return os.environ.get("CONNECTORS_TEST_KUBECTL") or str(Path(sys.executable).parent / "kubectl")


class Kubectl:
    """The real kubectl against one server, in one namespace."""

    def __init__(self, kubeconfig, ns, home):
        self.argv = [ready_path(), "--kubeconfig", str(kubeconfig), "--cache-dir", str(home), *(["-n", ns] if ns else [])]
        self.env = clean_env(HOME=home, KUBE_EDITOR="")

    def __call__(self, *args, stdin=None, ok=True, env=None):
        text = stdin if stdin is None or isinstance(stdin, str) else json.dumps(stdin)
        done = run(*self.argv, *args, stdin=text, ok=ok, env={**self.env, **(env or {})})
        return done.stdout if ok is not False else done.stderr
