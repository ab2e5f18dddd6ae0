"""The API server stands still or is away: what the proxy decided stays true until it expires, then it refuses; it never allows what it cannot ask."""

import os
import signal
import time

from harness.kube import connectors, core, rbac
from harness.origin import header
from harness.process import PATIENCE, children, run, wait_until
from harness.world import basic

ALLOW_LIFE_S = 10  # of a cached permission
CLOCKS_S = 1  # between when the proxy starts to count and when we do
ANSWER_S = 35  # the proxy's patience with the API server, and some


def component(world, name):
    for pid in children(world.installation.main.pid):
        if run("cat", f"/proc/{pid}/cmdline", ok=None).stdout.split("\0")[1:2] == [name]:
            return pid
    raise AssertionError(f"no {name}")


class StandStill:
    """No thread of the process runs until the block ends."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)
        return self

    def __exit__(self, *exc):
        os.kill(self.pid, signal.SIGCONT)


def ask(world, token, rest="/x"):
    return world.reverse("tool", rest, token, connection=world.connect(timeout=ANSWER_S * PATIENCE))


def test_cached_then_refused_then_served_again(own, origin):
    known, unknown, stranger = own.token("builder"), own.token("builder"), own.token("stranger")
    assert ask(own, known).status == 200
    decided = time.monotonic()
    with StandStill(component(own, "apiserver")):
        assert ask(own, known).status == 200, "a cached decision holds"
        assert time.monotonic() - decided < ALLOW_LIFE_S, "too slow to tell"
        # Never seen before: there is nobody to ask.
        before = len(origin.requests)
        for token in (unknown, stranger, "not-a-token"):
            answer = ask(own, token)
            assert answer.status in (401, 503), (answer.status, answer.body)
            assert answer.status == 503 or token == "not-a-token"
        assert len(origin.requests) == before, "a request went to the tool although nobody allowed it"
        last = wait_until(lambda: (a := ask(own, known)).status != 200 and a, "the cached decision expires", 2 * ALLOW_LIFE_S + ANSWER_S)
        assert (last.status, last.reason) == (503, "AuthUnavailable")
        before = len(origin.requests)
        for _ in range(3):
            assert ask(own, known).status == 503
        assert len(origin.requests) == before
    wait_until(lambda: ask(own, known).status == 200, "served again", 60)
    assert ask(own, unknown).status == 200
    assert ask(own, stranger).status == 403
    assert ask(own, "not-a-token").status == 401


def test_no_decision_outlives_its_time(own):
    """However often it is used, a permission that cannot be renewed ends."""
    token = own.token("builder")
    assert ask(own, token).status == 200
    with StandStill(component(own, "apiserver")):
        last_allowed = began = time.monotonic()
        while time.monotonic() - began < ALLOW_LIFE_S + 5:
            asked = time.monotonic()
            if ask(own, token).status == 200:
                last_allowed = asked
        assert last_allowed - began < ALLOW_LIFE_S + CLOCKS_S


def test_changes_made_while_the_proxy_was_cut_off(own, origin):
    """The proxy stands still while a grant is taken and the password changes; awake, it soon knows both and never goes back."""
    token = own.token("builder")
    assert ask(own, token).status == 200
    with StandStill(component(own, "proxy")):
        own.api.merge(core(own.ns, "secrets", "tool"), {"stringData": {"password": "p2"}})
    wait_until(lambda: ask(own, token, "/new").status == 200 and header(origin.seen("/new")[-1], "Authorization") == [basic("bot", "p2")],
               "the new password")
    with StandStill(component(own, "proxy")):
        own.api.delete(rbac(own.ns, "rolebindings", "builder-uses"))
    wait_until(lambda: ask(own, token).status == 403, "the grant has ended")
    for _ in range(20):
        assert ask(own, token).status == 403


def test_the_controller_catches_up(own, origin):
    """What was changed while it stood still is seen afterwards, deletions included."""
    with StandStill(component(own, "controller")):
        own.api.create(connectors(own.ns), own.connector_object("during", origin.url, "tool"))
        own.api.delete(core(own.ns, "secrets", "tool"))
    own.wait_condition("during", "Ready", "False", "SecretNotFound")
    own.wait_condition("tool", "Ready", "False", "SecretNotFound")
