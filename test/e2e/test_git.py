"""The main job: git clones and pushes a private repository with no credential of the tool on the client."""

import os
import urllib.parse

import pytest
from harness.gitserver import git_env
from harness.process import run, wait_until

BIG = 20 * 1024 * 1024
# Runs inside `connectors exec` as well as without it: clone $1 to $2, commit a big file, push.
WORKLOAD = """
set -eu
git clone -q "$1" "$2"
head -c "$3" /dev/urandom >"$2/big.bin"
git -C "$2" add big.bin
git -C "$2" commit -qm big
git -C "$2" push -q origin HEAD:main
"""


@pytest.fixture(params=["http", "https"])
def server(request):
    return request.getfixturevalue("git_server" if request.param == "http" else "tls_git_server")


def make(world, server, ca, name="git"):
    world.account("builder")
    world.bind("builder")
    world.secret("git", username="git", password=server.password)
    tls = server.url.startswith("https")
    if tls:
        world.secret("ca", kind="Opaque", **{"ca.crt": ca[0].read_text()})
    world.connector(name, server.url, "git", ca="ca" if tls else None)


def check_pushed(server, bare, clone):
    head = run("git", "-C", clone, "rev-parse", "HEAD", env=git_env()).stdout
    assert run("git", "-C", bare, "rev-parse", "main", env=git_env()).stdout == head
    assert run("git", "-C", bare, "cat-file", "-s", "main:big.bin", env=git_env()).stdout.strip() == str(BIG)
    path = f"/{bare.name}/git-receive-pack"
    wait_until(lambda: ["git", "POST", path, "200"] in server.requests(), "the tool's own user pushed")


def client(world, *args):
    return ["sh", "-c", WORKLOAD, "sh", *map(str, args), str(BIG)]


def token_url(world, url):
    return url.replace("http://", f"http://x:{world.token('builder')}@", 1)


def test_direct_clone_is_refused(git_server, tmp_path):
    git_server.new_repository("direct")
    said = run("git", "clone", "-q", f"{git_server.url}/direct.git", tmp_path / "c", ok=False, env=git_env()).stderr
    assert "could not read Username" in said or "Authentication failed" in said


def test_exec_reverse(world, server, ca, tmp_path):
    """The mounted .gitconfig sends the tool's URL to the Connector."""
    make(world, server, ca)
    bare = server.new_repository(world.ns)
    world.cli("exec", "--sa", "builder", "-c", "git", "--", *client(world, f"{server.url}/{bare.name}", tmp_path / "c"), env=git_env())
    check_pushed(server, bare, tmp_path / "c")


def test_plain_reverse(world, server, ca, tmp_path):
    """A token in the URL, nothing else."""
    make(world, server, ca)
    bare = server.new_repository(world.ns)
    url = token_url(world, world.proxy) + world.path("git", f"/{bare.name}")
    run(*client(world, url, tmp_path / "c"), env=git_env())
    check_pushed(server, bare, tmp_path / "c")


def test_exec_forward(world, git_server, ca, tmp_path):
    """Without files: the tool's URL through http_proxy."""
    make(world, git_server, ca)
    bare = git_server.new_repository(world.ns)
    world.cli("exec", "--sa", "builder", "-c", "git", "--config", "none", "--",
              *client(world, f"{git_server.url}/{bare.name}", tmp_path / "c"), env=git_env())
    check_pushed(git_server, bare, tmp_path / "c")


def test_plain_forward(world, git_server, ca, tmp_path):
    make(world, git_server, ca)
    bare = git_server.new_repository(world.ns)
    user = urllib.parse.quote(f"{world.ns}/git", safe="")
    proxy = world.proxy.replace("http://", f"http://{user}:{world.token('builder')}@", 1)
    run(*client(world, f"{git_server.url}/{bare.name}", tmp_path / "c"), env=git_env(http_proxy=proxy))
    check_pushed(git_server, bare, tmp_path / "c")


def test_https_tool_needs_its_ca(world, tls_git_server, ca, tmp_path):
    """Without caCertSecretRef the tool's certificate is refused and no credential leaves."""
    make(world, tls_git_server, ca, name="good")
    before = len(tls_git_server.requests())
    world.connector("bad", tls_git_server.url, "git", ready=False)
    assert world.condition("bad", "LivenessReady")["reason"] == "TLSVerificationFailed"
    answer = world.wait_status(502, "bad", "/x.git/info/refs", token=world.token("builder"))
    assert answer.reason == "ToolTLSFailed"
    assert not [r for r in tls_git_server.requests()[before:] if r[0] == "git"]


def test_audit_says_who_used_what(world, git_server, ca, tmp_path):
    make(world, git_server, ca)
    bare = git_server.new_repository(world.ns)
    url = f"{git_server.url}/{bare.name}"
    world.cli("exec", "--sa", "builder", "-c", "git", "--", "git", "clone", "-q", url, tmp_path / "c", env=git_env())
    wait_until(lambda: [r for r in world.audit() if r["path"].endswith("/git-upload-pack")], "the audit record")
    record = [r for r in world.audit() if r["path"].endswith("/git-upload-pack")][-1]
    assert record["subject"] == f"system:serviceaccount:{world.ns}:builder"
    assert record["connector"]["name"] == "git" and record["connector"]["uid"]
    assert record["pod"]["name"].startswith("connectors-exec-") and record["pod"]["uid"]
    assert "builder-uses" in str(record["grant"])
    assert (record["mode"], record["method"], record["status"]) == ("reverse", "POST", 200)
    assert record["bytesOut"] > 0 and record["prev"] and record["secretRV"]


def test_own_git_configuration_stays(world, git_server, ca, tmp_path):
    """exec adds to the user's configuration and does not replace it."""
    make(world, git_server, ca)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[alias]\n\tmine = rev-parse --is-inside-work-tree\n")
    env = {k: v for k, v in git_env(HOME=home).items() if k != "GIT_CONFIG_GLOBAL"}
    got = world.cli("exec", "--sa", "builder", "-c", "git", "--", "git", "config", "--get-regexp", "alias|url", env=env).stdout
    assert "alias.mine" in got and "insteadof" in got
    assert os.listdir(home) == [".gitconfig"]
