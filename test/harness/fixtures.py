"""Fixtures of the process tests: one installation for the whole run, one namespace for each test."""

import itertools
import os

import pytest

from harness import certs, installation
from harness.gitserver import GitServer
from harness.origin import Origin
from harness.world import World

NUMBERS = itertools.count(1)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    kube = item.funcargs.get("kube") if hasattr(item, "funcargs") else None
    if report.failed and kube is not None:
        report.sections.append(("logs of the installation", kube.logs()))


@pytest.fixture(scope="session")
def kube_kind(request):
    return request.config.getoption("--kube", "embedded")


@pytest.fixture(scope="session")
def kube(kube_kind, tmp_path_factory):
    """The installation that most tests share."""
    made = installation.make(kube_kind, tmp_path_factory.mktemp("kube") / "i")
    yield made
    made.close()


@pytest.fixture
def world(kube):
    """A namespace of the test's own."""
    made = World(kube, f"t{os.getpid()}-{next(NUMBERS)}")
    yield made
    made.close()


@pytest.fixture(scope="session")
def ca(tmp_path_factory):
    """(certificate, key) of a CA that no system trusts."""
    return certs.make_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def tool_cert(ca, tmp_path_factory):
    return certs.make_leaf(tmp_path_factory.mktemp("leaf"), ca)


@pytest.fixture(scope="session")
def git_server(tmp_path_factory):
    made = GitServer(tmp_path_factory.mktemp("git") / "s")
    yield made
    made.close()


@pytest.fixture(scope="session")
def tls_git_server(tmp_path_factory, tool_cert):
    made = GitServer(tmp_path_factory.mktemp("tlsgit") / "s", tool_cert)
    yield made
    made.close()


@pytest.fixture
def origin():
    made = Origin()
    yield made
    made.close()


@pytest.fixture
def tls_origin(tool_cert):
    made = Origin(tool_cert)
    yield made
    made.close()


@pytest.fixture
def tool(world, origin):
    """Connector `tool` to the recording origin with user `bot` and a password of this test, usable by ServiceAccount `builder`."""
    world.password = "pw-" + os.urandom(12).hex()
    world.account("builder")
    world.bind("builder")
    world.secret("tool", username="bot", password=world.password)
    world.connector("tool", origin.url, "tool")
    return world
