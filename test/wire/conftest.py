"""Fixtures of the wire tests: one installation, one namespace with Connectors to a raw tool, and a check that nothing died."""

import os
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import installation  # noqa: E402
from harness.fixtures import pytest_runtest_makereport  # noqa: E402,F401
from harness.process import is_alive, wait_until  # noqa: E402
from harness.traces import forms, in_files  # noqa: E402
from harness.world import World, basic  # noqa: E402
from raw import Conn, head  # noqa: E402
from rawtool import RawTool  # noqa: E402

DEATH = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|\bassert", re.I)


@pytest.fixture(scope="session")
def kube(tmp_path_factory):
    """The installation that most tests share; at its end no log of it may tell of a failed check."""
    made = installation.make("embedded", tmp_path_factory.mktemp("wire") / "i")
    yield made
    made.close()
    found = [line for f in made.dir.glob("**/*") if f.is_file() and f.suffix in (".log", ".jsonl")
             for line in f.read_text(errors="replace").splitlines() if DEATH.search(line)]
    assert not found, found[:20]


@pytest.fixture(autouse=True)
def alive(request):
    """No component may end, whatever it was sent: the same processes live before and after each test."""
    if "kube" not in request.fixturenames:
        yield
        return
    kube = request.getfixturevalue("kube")
    before = kube.component_pids()
    yield
    after = kube.component_pids()
    assert after == before and all(map(is_alive, after)), f"processes {before} became {after}"


@pytest.fixture(scope="session")
def tool():
    made = RawTool()
    yield made
    made.close()


class Site(World):
    """A namespace whose ServiceAccount `builder` may use the Connectors in it; each has a credential of its own."""

    def __init__(self, kube, ns, tool):
        super().__init__(kube, ns)
        self.tool = tool
        self.passwords = {}
        self.account("builder")
        self.bind("builder")
        self.builder = self.token("builder")
        self.add("tool", tool.url)

    def add(self, name, address, secret=True, **more):
        """A Connector with the password pw-…, served when this returns."""
        if secret:
            self.passwords[name] = f"pw-{name}-{os.urandom(12).hex()}"
            self.secret(name, username="bot", password=self.passwords[name])
        self.connector(name, address, name if secret else None, ready=None, **more)
        wait_until(lambda: self.knows(name), f"Connector {name} at the proxy")

    def knows(self, name):
        """Whether the proxy has read the Connector and its Secret."""
        with Conn(self.proxy) as c:
            answer = c.ask(head("GET", self.path(name, "/served"), self.bearer))
            return answer.reason not in ("ConnectorForbidden", "ConnectorNotFound", "ConnectorNotReady", "NotReady")

    @property
    def bearer(self):
        return f"Authorization: Bearer {self.builder}"

    def credential(self, name):
        return basic("bot", self.passwords[name])

    def proxy_credentials(self, *names, token=None):
        listed = ",".join(f"{self.ns}/{n}" for n in names)
        return "Proxy-Authorization: " + basic(listed, token or self.builder)

    def get(self, name, rest, *lines, method="GET", **more):
        """The bytes of an authenticated request by path."""
        return head(method, self.path(name, rest), self.bearer, *lines, **more)

    def secrets(self):
        """Every form of every secret: what no answer and no log may hold."""
        found = set()
        for password in self.passwords.values():
            found |= forms(password, "bot")
        return found | forms(self.builder)


@pytest.fixture(scope="session")
def site(kube, tool):
    """At its end no file of the installation, logs, audit and database, may hold a credential or the workload's token."""
    made = Site(kube, f"w{os.getpid()}", tool)
    yield made
    assert in_files(kube.dir, made.secrets()) == []


@pytest.fixture
def short(kube):
    """Starts proxies of the same installation with flags of the test's own, and ends them with it."""
    started = []

    def start(*flags):
        p = kube.start_proxy(f"short{os.urandom(4).hex()}", *flags)
        started.append(p)
        return p
    yield start
    for p in started:
        kube.processes.remove(p)
        assert p.stop() == 0


@pytest.fixture(scope="session")
def admin_tls(kube):
    """TLS of the administrator at the API server."""
    return kube.api().tls


@pytest.fixture(scope="session")
def listeners(kube, admin_tls):
    """name -> (URL, TLS, a path that answers 200 without a token, or None)."""
    found = {"proxy": (kube.proxy, None, None), "apiserver": (kube.endpoints["apiserver"], admin_tls, "/healthz")}
    return found | {f"metrics-{name}": (url, None, "/healthz") for name, url in kube.endpoints["metrics"].items()}
