"""Each component is killed at random moments under load; nothing that was acknowledged is lost.

After each restart of the embedded API server every acknowledged write is there, nothing that nobody wrote, and revisions only rise; clients that
list and watch miss nothing, the controller and the proxy among them. CRASH_KILLS sets the number of kills, CRASH_SEED repeats a run.
"""

import os
import random
import shutil
import signal
import time

import pytest
from harness import installation
from harness.kube import Api, connectors, core, rbac
from harness.ledger import Informer, Ledger, Load, value_of
from harness.origin import header
from harness.parts import ApiServer, Parts
from harness.process import PATIENCE, children, is_alive, is_open, run, wait_until
from harness.world import World, basic

KILLS = int(os.environ.get("CRASH_KILLS", "8"))
COPIES = max(3, KILLS // 4)
SOON_S = 30


@pytest.fixture(autouse=True)
def embedded_only(kube_kind):
    if kube_kind == "real":
        pytest.skip("the embedded API server's own promise")


@pytest.fixture
def choose():
    seed = int(os.environ.get("CRASH_SEED", random.randrange(1 << 30)))
    print("CRASH_SEED", seed)
    return random.Random(seed)


# --- kills of the API server


class Signs:
    """What our own components must notice, changed anew in each round."""

    def __init__(self, world, origin):
        self.world, self.origin, self.count, self.bound, self.pending = world, origin, 0, True, []
        self.token = world.token("builder")

    def until_done(self, what, done):
        """Repeats a write until the server has answered that it is so."""
        def holds():
            try:
                return done()
            except OSError:
                return False
        wait_until(holds, what, SOON_S)

    def change(self):
        """A new Connector, a new password, and a grant given or taken."""
        w, api = self.world, self.world.api
        self.count += 1
        name = f"k{self.count}"
        self.pending.append(name)
        self.until_done(name, lambda: api.ask("POST", connectors(w.ns), w.connector_object(name, self.origin.url, "tool"))[0] in (201, 409))
        patch = {"stringData": {"password": self.password}}
        self.until_done("password", lambda: api.ask("PATCH", core(w.ns, "secrets", "tool"), patch,
                                                    content_type="application/merge-patch+json")[0] == 200)
        self.bound = not self.bound
        if self.bound:
            grant = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "builder-uses"},
                     "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "connectors-user"},
                     "subjects": [{"kind": "ServiceAccount", "name": "builder", "namespace": w.ns}]}
            self.until_done("grant", lambda: api.ask("POST", rbac(w.ns, "rolebindings"), grant)[0] in (201, 409))
        else:
            self.until_done("no grant", lambda: api.ask("DELETE", rbac(w.ns, "rolebindings", "builder-uses"))[0] in (200, 404))

    @property
    def password(self):
        return f"password-{self.count}"

    def check(self):
        """The proxy and the controller have seen it all."""
        if self.bound:
            wait_until(self.is_used, f"the proxy uses {self.password}", SOON_S)
        else:
            self.world.wait_status(403, "tool", token=self.token)
            assert self.world.reverse("tool", "/x", self.token).status == 403, "allowed again with no grant"
        for name in self.pending:
            self.world.wait_condition(name, "Ready", "True")
            assert self.world.api.get(connectors(self.world.ns, name))["status"]["proxy"]["httpAddress"]["url"]
        self.pending.clear()

    def is_used(self):
        answer = self.world.reverse("tool", f"/round-{self.count}", self.token)
        seen = self.origin.seen(f"/round-{self.count}")
        return answer.status == 200 and header(seen[-1], "Authorization") == [basic("bot", self.password)]


def more(ledger, count):
    goal = ledger.acknowledged + count
    wait_until(lambda: ledger.acknowledged >= goal, f"{count} more writes are acknowledged: {ledger.statuses}", 60)


def kill_and_restart(server, choose):
    """Often enough the server dies again while it starts."""
    server.kill()
    while choose.random() < 0.25:
        server.start()
        time.sleep(choose.random() * 0.15 * PATIENCE)  # the moment itself is what is tried, nothing is waited for
        server.kill()
    server.up()


def test_kill_9_of_the_api_server(tmp_path, choose, origin):
    parts = Parts(tmp_path / "i", log_level=os.environ.get("CRASH_LOG_LEVEL", "info"))
    try:
        parts.up()
        world = World(parts, "crash")
        world.account("builder")
        world.bind("builder")
        world.secret("tool", username="bot", password="password-0")
        world.connector("tool", origin.url, "tool")
        ledger, signs = Ledger(), Signs(world, origin)
        informers = [Informer(ledger, plural, parts.api()) for plural in ("configmaps", "secrets")]
        for informer in informers:
            informer.start()
        load = Load(ledger, parts.api())
        for _ in range(KILLS):
            signs.change()
            more(ledger, choose.randrange(1, 300))
            kill_and_restart(parts.server, choose)
            ledger.check(parts.api())
            ledger.assert_clean()
            signs.check()
        more(ledger, 50)
        load.stop()
        settle(ledger, informers, parts.api())
        print(f"{KILLS} kills, {parts.server.starts - 1} restarts, {ledger.acknowledged} acknowledged writes; informers listed "
              f"{[len(i.gaps) for i in informers]} times and resumed {[i.resumed for i in informers]} times; answers {ledger.statuses}")
        assert ledger.acknowledged > KILLS * 20
        assert parts.main.running()
    except BaseException:
        print(parts.logs())
        raise
    finally:
        parts.close()


def settle(ledger, informers, api):
    """With the writers at rest: the server as the ledger says, the informers as the server, nothing missed on the way."""
    ledger.check(api)
    for informer in informers:
        listed = {o["metadata"]["name"]: int(o["metadata"]["resourceVersion"]) for o in api.get(ledger.path(informer.plural))["items"]}
        wait_until(lambda i=informer, there=listed: dict(i.store) == there, f"{informer.name} has everything", SOON_S)
        assert informer.missed() == []
        informer.halt.set()
    ledger.assert_clean()


# --- a machine that stops


def copy_at_once(server, target):
    """The database as a machine that stops now leaves it: no thread of the server writes while it is copied."""
    target.mkdir(parents=True)
    shutil.copytree(server.data / "pki", target / "pki")
    server.process.popen.send_signal(signal.SIGSTOP)
    wait_until(lambda: is_stopped(server.process.pid), "the server stands still")
    try:
        for file in server.data.glob("state.db*"):
            shutil.copy(file, target)
    finally:
        server.process.popen.send_signal(signal.SIGCONT)


def is_stopped(pid):
    """All threads of the process."""
    states = [run("cat", f"/proc/{pid}/task/{t}/stat").stdout.rsplit(")", 1)[1].split()[0] for t in os.listdir(f"/proc/{pid}/task")]
    return all(s in "Tt" for s in states)


def test_a_copy_taken_under_load_holds_what_was_acknowledged(tmp_path, choose):
    """As after a power failure: the files of one moment, opened by a new server."""
    server, ledger = ApiServer(tmp_path / "a", None), Ledger()
    server.dir.mkdir()
    other = None
    try:
        load = Load(ledger, server.up())
        for i in range(COPIES):
            more(ledger, choose.randrange(1, 400))
            floors = {key: e.floor for key, e in ledger.entries.items()}
            copy_at_once(server, tmp_path / f"copy-{i}")
            possible = {key: e.history[floors[key]:] for key, e in ledger.entries.items()}
            other = ApiServer(tmp_path / f"copy-{i}", tmp_path / f"copy-{i}")
            check_copy(other.up(), ledger, possible)
            assert other.stop() == 0
        load.stop()
        ledger.check(Api(server.kubeconfig))
        ledger.assert_clean()
        assert server.stop() == 0
    finally:
        server.close()
        if other:
            other.close()


def check_copy(api, ledger, possible):
    there = listed(api, ledger)
    wrong = {key: (there.get(key), states) for key, states in possible.items() if there.get(key) not in states}
    assert wrong == {} and set(there) <= set(possible)
    made = api.create(core("default", "configmaps"), {"metadata": {"name": "after"}, "data": {}})
    assert int(made["metadata"]["resourceVersion"]) > max(int(o["metadata"]["resourceVersion"]) for o in objects(api, ledger).values())


def objects(api, ledger):
    return {(p, o["metadata"]["name"]): o for p in ("configmaps", "secrets") for o in api.get(ledger.path(p))["items"]}


def listed(api, ledger):
    kinds = {"configmaps": "ConfigMap", "secrets": "Secret"}
    return {key: value_of({**o, "kind": kinds[key[0]]}) for key, o in objects(api, ledger).items()}


def test_a_torn_log_is_the_state_of_an_earlier_moment(tmp_path, choose):
    """The end of the write-ahead log is lost or garbage: what is left is the state after some write, whole, and not a mixture."""
    server, ledger = ApiServer(tmp_path / "a", None), Ledger()
    server.dir.mkdir()
    other = None
    try:
        api = server.up()
        informers = [Informer(ledger, plural, api) for plural in ("configmaps", "secrets")]
        for informer in informers:
            informer.start()
        wait_until(lambda: all(i.rv for i in informers), "the informers have listed")
        load = Load(ledger, api)
        more(ledger, 500)
        copy_at_once(server, tmp_path / "copy")
        more(ledger, 10)
        load.stop()
        settle(ledger, informers, api)
        history = sorted((rv, (i.plural, name), value) for i in informers for rv, name, value in i.events)
        for i in range(COPIES):
            torn = tmp_path / f"torn-{i}"
            shutil.copytree(tmp_path / "copy", torn)
            tear(torn / "state.db-wal", choose)
            other = ApiServer(torn, torn)
            assert_a_moment(listed(other.up(), ledger), history)
            assert other.stop() == 0
        assert server.stop() == 0
    finally:
        server.close()
        if other:
            other.close()


def tear(file, choose):
    """Cuts the file anywhere, or overwrites its end from anywhere."""
    size = file.stat().st_size
    assert size > 8192
    at = choose.randrange(4096, size)
    with open(file, "r+b") as f:
        f.seek(at)
        if choose.random() < 0.5:
            f.truncate()
        else:
            f.write(os.urandom(size - at))


def assert_a_moment(there, history):
    """The state is what replaying the changes up to one of them gives."""
    state = {}
    if there == state:
        return
    for _, key, value in history:
        state.pop(key, None)
        if value is not None:
            state[key] = value
        if state == there:
            return
    raise AssertionError(f"a state that never was: {there}")


def test_a_clean_restart_keeps_everything(tmp_path):
    server = ApiServer(tmp_path)
    try:
        api = server.up()
        made = api.create(core("default", "secrets"), {"metadata": {"name": "s"}, "stringData": {"a": "b"}})
        rv = int(api.get(core("default", "secrets"))["metadata"]["resourceVersion"])
        assert server.stop() == 0
        again = server.up()
        assert again.get(core("default", "secrets", "s")) == made
        assert int(again.get(core("default", "secrets"))["metadata"]["resourceVersion"]) >= rv
        assert server.stop() == 0
    finally:
        server.close()


# --- kills below `connectors run`


@pytest.fixture
def own(tmp_path, origin):
    """An installation of `connectors run` with Connector `tool`."""
    made = installation.Embedded(tmp_path / "i", log_level="info")
    made.up()
    world = World(made, "crash")
    world.account("builder")
    world.bind("builder")
    world.secret("tool", username="bot", password="p")
    world.connector("tool", origin.url, "tool")
    yield world
    made.close()


def child(world, name):
    """The process of a component, or None while it is not there."""
    for pid in children(world.installation.main.pid):
        argv = run("cat", f"/proc/{pid}/cmdline", ok=None).stdout.split("\0")
        if argv[1:2] == [name]:
            return pid
    return None


def is_serving(world, token):
    try:
        return world.reverse("tool", "/x", token).status == 200
    except OSError:
        return False


@pytest.mark.parametrize("name", ["proxy", "controller", "apiserver"])
def test_a_killed_component_comes_back(own, origin, name):
    token, pid = own.token("builder"), child(own, name)
    endpoints = installation.read_json(own.installation.data / "endpoints.json")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: child(own, name) not in (None, pid), f"another {name}", SOON_S)
    wait_until(lambda: is_serving(own, token), "the proxy serves", SOON_S)
    wait_until(lambda: own.installation.cli("get", "connectors", "-n", own.ns, ok=None).returncode == 0, "the API server serves", SOON_S)
    own.secret("second", username="u", password="p2")
    own.connector("second", origin.url, "second", ready=None)
    # A controller that was killed could not give its Lease back: the next one waits until it has expired.
    wait_until(lambda: own.condition("second", "Ready").get("status") == "True", "the controller works", SOON_S)
    own.wait_status(200, "second", "/second", token=token)
    assert header(origin.seen("/second")[-1], "Authorization") == [basic("u", "p2")]
    now = installation.read_json(own.installation.data / "endpoints.json")
    assert (now["apiserver"], now["proxy"]) == (endpoints["apiserver"], endpoints["proxy"])


def test_a_killed_supervisor_takes_all_with_it(own, origin):
    """No component outlives it; the next run starts on what it left, and finds everything."""
    made, pids = own.installation, own.installation.component_pids()
    assert len(pids) == 4
    os.kill(made.main.pid, signal.SIGKILL)
    made.main.popen.wait()
    wait_until(lambda: not any(map(is_alive, pids)), "every component has ended", SOON_S)
    ports = [int(made.endpoints[x].rsplit(":", 1)[1]) for x in ("apiserver", "proxy")]
    assert not any(map(is_open, ports))
    assert made.cli("wait", "--data-dir", made.data, "--timeout", "1s", ok=False).returncode == 5
    made.up()
    again = World.__new__(World)
    again.__dict__.update(own.__dict__, api=made.api(), proxy=made.proxy)
    again.wait_condition("tool", "Ready", "True")
    again.wait_status(200, "tool", "/again", token=again.token("builder"))
    assert header(origin.seen("/again")[-1], "Authorization") == [basic("bot", "p")]


def test_a_status_that_is_not_ours_is_put_right(own):
    """As one that an earlier reconcile wrote, which the controller hears of only after it has decided anew."""
    path = connectors(own.ns, "tool", "status")
    before = own.condition("tool", "LivenessReady")["reason"]
    found = own.api.get(path)
    for c in found["status"]["conditions"]:
        if c["type"] == "LivenessReady":
            c.update(status="Unknown", reason="Probing")
    own.api.call("PUT", path, found)
    own.wait_condition("tool", "LivenessReady", "True", before)
