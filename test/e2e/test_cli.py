"""Our own commands, for those without kubectl."""

import base64
import json
import re

import pytest
import yaml
from harness.kube import connectors, core
from harness.process import BIN, clean_env, run


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_apply(world, origin):
    object_ = world.connector_object("demo", origin.url)
    name = "connector.connectors.alauda.io/demo"

    def apply():
        return world.cli("apply", "-f", "-", stdin=yaml.safe_dump(object_)).stdout
    assert apply() == f"{name} created\n"
    assert apply() == f"{name} unchanged\n"
    object_["metadata"]["labels"] = {"a": "b", "c": "d"}
    assert apply() == f"{name} configured\n"
    del object_["metadata"]["labels"]["a"]
    assert apply() == f"{name} configured\n"
    labels = world.api.get(connectors(world.ns, "demo"))["metadata"]["labels"]
    assert "a" not in labels and labels["c"] == "d"
    # kubectl goes on where we ended.
    del object_["metadata"]["labels"]
    world.kubectl("apply", "-f", "-", stdin=object_)
    assert "c" not in world.api.get(connectors(world.ns, "demo"))["metadata"].get("labels", {})


def test_apply_files_and_directories(world, tmp_path):
    for name in ("a.yaml", "b.json"):
        object_ = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name[0]}, "data": {"x": name}}
        (tmp_path / name).write_text(yaml.safe_dump(object_) if name.endswith("yaml") else json.dumps(object_))
    (tmp_path / "ignored.txt").write_text("not: an object")
    assert world.cli("apply", "-f", tmp_path).stdout == "configmap/a created\nconfigmap/b created\n"
    assert world.cli("delete", "-f", tmp_path / "a.yaml").stdout == "configmap/a deleted\n"
    assert world.api.ask("GET", core(world.ns, "configmaps", "a"))[0] == 404


def test_get_table(world, origin):
    world.connector("demo", origin.url)
    head, row = (re.split(r"\s{2,}", line.strip()) for line in world.cli("get", "connectors").stdout.splitlines())
    assert head == ["NAME", "CLASS", "ADDRESS", "READY", "REASON", "AGE"]
    assert row[:4] == ["demo", "git", origin.url, "True"]
    everywhere = world.cli("get", "connectors", "-A").stdout
    assert everywhere.startswith("NAMESPACE") and re.search(rf"^{world.ns} +demo ", everywhere, re.M)


def test_get_forms(world, origin):
    world.connector("demo", origin.url)
    assert world.cli("get", "connector/demo", "-o", "name").stdout == "connector.connectors.alauda.io/demo\n"
    as_json = json.loads(world.cli("get", "connector", "demo", "-o", "json").stdout)
    as_yaml = yaml.safe_load(world.cli("get", "connector", "demo", "-o", "yaml").stdout)
    assert as_json["metadata"]["uid"] == as_yaml["metadata"]["uid"]
    assert as_json["spec"] == as_yaml["spec"] == world.connector_object("demo", origin.url)["spec"]


def test_get_by_label(world):
    for name in ("a", "b"):
        world.api.create(core(world.ns, "configmaps"), {"metadata": {"name": name, "labels": {"which": name}}})
    assert world.cli("get", "configmaps", "-l", "which=b", "-o", "name").stdout == "configmap/b\n"


def test_describe(world, origin):
    world.connector("demo", origin.url, "missing", ready=False)
    said = world.cli("describe", "connector", "demo").stdout
    assert origin.url in said and re.search(r"SecretReady +False +SecretNotFound", said)


def test_delete(world, origin):
    world.connector("demo", origin.url)
    assert world.cli("delete", "connector", "demo").stdout == "connector.connectors.alauda.io/demo deleted\n"
    assert world.api.ask("GET", connectors(world.ns, "demo"))[0] == 404
    world.cli("delete", "connector", "demo", "--ignore-not-found")


def test_token(world):
    got = claims(world.cli("token").stdout.strip())
    assert got["aud"] == ["connectors-proxy"] and got["sub"] == f"system:serviceaccount:{world.ns}:default"
    assert got["exp"] - got["iat"] == 3600
    world.account("builder")
    got = claims(world.cli("token", "--sa", "builder", "--ttl", "10m").stdout.strip())
    assert got["sub"].endswith(":builder") and got["exp"] - got["iat"] == 600


# arguments, exit code, what stderr names
FAILURES = {
    "no such object": (["get", "connector", "none"], 4, "none"),
    "no such account": (["token", "--sa", "none"], 4, "none"),
    "no such kind": (["get", "nosuchkind"], None, "nosuchkind"),
    "unknown option": (["get", "connectors", "--nonsense"], 2, "nonsense"),
    "no file": (["apply", "-f", "/nonexistent"], None, "/nonexistent"),
    "nothing to apply": (["apply"], 2, "-f"),
    "nothing to delete": (["delete", "connector"], 2, "name"),
    "ttl too short": (["token", "--ttl", "1s"], 2, "ttl"),
    "nothing to run": (["exec", "-c", "x"], 122, "command"),
    "no Connector": (["exec", "--", "true"], 122, "-c"),
    "unknown Connector": (["exec", "-c", "none", "--", "true"], 124, "none"),
}


@pytest.mark.parametrize("case", sorted(FAILURES))
def test_errors_are_one_line(world, case):
    args, code, names = FAILURES[case]
    done = world.cli(*args, ok=False)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == code if code else done.returncode in (1, 2, 4)
    assert len(lines) == 1 and lines[0].startswith("connectors: ") and names in lines[0], done.stderr
    assert done.stdout == ""


def test_error_as_json(world):
    done = world.cli("get", "connector", "none", "-o", "json", ok=False)
    status = json.loads(done.stdout)
    assert (status["kind"], status["reason"], status["code"]) == ("Status", "NotFound", 404)


def test_a_bad_manifest_names_the_field(world, origin):
    object_ = world.connector_object("demo", origin.url)
    object_["spec"]["address"] = "nonsense"
    done = world.cli("apply", "-f", "-", stdin=json.dumps(object_), ok=False)
    assert done.returncode == 1 and "spec.address" in done.stderr and "connector.connectors.alauda.io/demo" in done.stderr


def test_denied_has_its_own_code(world, tmp_path):
    """As an account that may nothing."""
    text = world.installation.kubeconfig.read_text()
    own = tmp_path / "kubeconfig"
    token = world.token(audiences=None)
    kept = [line for line in text.splitlines() if "client-key-data" not in line]
    own.write_text("\n".join(re.sub(r"client-certificate-data: \S+", f"token: {token}", line) for line in kept)
                   if len(kept) < len(text.splitlines()) and "{client-" not in text else
                   re.sub(r"\{client-certificate-data: [^}]*\}", f"{{token: {token}}}", text))
    done = run(BIN, "get", "secrets", "-n", world.ns, env=clean_env(KUBECONFIG=own), ok=False)
    assert done.returncode == 3 and "secrets" in done.stderr, done.stderr


def test_help_and_version():
    assert run(BIN, "--version").stdout.startswith("connectors ")
    for verb in ("run", "stop", "wait", "exec", "token", "apply", "get", "describe", "delete", "apiserver", "controller", "proxy"):
        assert verb in run(BIN, "--help").stdout
        assert f"connectors {verb}" in run(BIN, verb, "--help").stdout
    done = run(BIN, "nosuchcommand", ok=False)
    assert done.returncode == 2 and "nosuchcommand" in done.stderr


def test_no_server(tmp_path):
    config = tmp_path / "kubeconfig"
    config.write_text("apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n"
                      "contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\ncurrent-context: c\n")
    done = run(BIN, "get", "pods", env=clean_env(KUBECONFIG=config), ok=False)
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr and len(done.stderr.strip().splitlines()) == 1
