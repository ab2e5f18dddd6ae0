"""What a server may hold after a crash: the writes that clients sent, and which of them were acknowledged.

Each object has one writer, which sends one write at a time and notes it before it is sent. So a state read from the server is right when each
object is as some write left it that is not older than the last acknowledged one; and when no object is there that nobody sent. Values are
unique, so that no write can be taken for another. A revision names one change for ever: acknowledgements and watch events share one table.
"""

import base64
import http.client
import json
import random
import threading

from harness.kube import Refused, core

LABEL = "ledger"
# What a server that dies under a client looks like from there.
LOST = (OSError, ValueError, EOFError, http.client.HTTPException)


def value_of(obj):
    """The value in a ConfigMap or Secret of ours."""
    raw = obj.get("data", {}).get("v")
    return base64.b64decode(raw).decode() if obj.get("kind") == "Secret" and raw is not None else raw


class Entry:
    """The writes to one object in the order they were sent; history[floor:] are the states it may be in."""

    def __init__(self, plural, name):
        self.plural, self.name = plural, name
        self.history, self.floor = [None], 0

    def is_certain(self):
        return self.floor == len(self.history) - 1

    def state(self, value):
        """The object is known to be so."""
        self.history.append(value)
        self.floor = len(self.history) - 1


class Ledger:
    """The entries of all writers, and what is wrong."""

    def __init__(self, ns="default", writers=8, names=8, padding=0):
        self.ns, self.padding = ns, padding
        self.lock, self.revisions, self.highest = threading.Lock(), {}, 0
        self.problems, self.statuses, self.acknowledged = [], {}, 0
        self.entries = {}
        self.writers = [[self._entry(("configmaps", "secrets")[w % 2], f"w{w}-{n}") for n in range(names)] for w in range(writers)]

    def _entry(self, plural, name):
        return self.entries.setdefault((plural, name), Entry(plural, name))

    def path(self, plural):
        return core(self.ns, plural) + f"?labelSelector={LABEL}"

    def body(self, entry, value):
        kind = {"configmaps": "ConfigMap", "secrets": "Secret"}[entry.plural]
        raw = base64.b64encode(value.encode()).decode() if kind == "Secret" else value
        data = {"v": raw, **({"pad": "cGFk" * (self.padding // 4)} if self.padding else {})}
        return {"apiVersion": "v1", "kind": kind, "metadata": {"name": entry.name, "labels": {LABEL: "yes"}}, "data": data}

    def problem(self, text):
        with self.lock:
            self.problems.append(text)

    def revision(self, rv, what):
        """Notes that this change has this revision; no other may ever have it."""
        with self.lock:
            before = self.revisions.setdefault(rv, what)
            if before != what:
                self.problems.append(f"revision {rv} was {before} and is {what}")

    def acknowledge(self, entry, sent_after, obj):
        """A write is acknowledged; its revision is above all that were acknowledged before it was sent."""
        entry.floor = len(entry.history) - 1
        with self.lock:
            self.acknowledged += 1
        if obj.get("kind") == "Status":
            return  # of a deletion: names no revision
        rv = int(obj["metadata"]["resourceVersion"])
        if rv <= sent_after:
            self.problem(f"{entry.name}: revision {rv} was acknowledged after {sent_after}")
        with self.lock:
            self.highest = max(self.highest, rv)
        self.revision(rv, (entry.plural, entry.name, entry.history[-1]))

    def check(self, api):
        """Lists everything, while writers may go on, and judges it; returns the number of objects."""
        floors, highest = {key: e.floor for key, e in self.entries.items()}, self.highest
        seen = {}
        for plural in ("configmaps", "secrets"):
            answer = api.get(self.path(plural))
            if int(answer["metadata"]["resourceVersion"]) < highest:
                self.problem(f"{plural}: listed at {answer['metadata']['resourceVersion']} after {highest} was acknowledged")
            kind = {"configmaps": "ConfigMap", "secrets": "Secret"}[plural]
            for obj in answer["items"]:
                seen[plural, obj["metadata"]["name"]] = value_of({**obj, "kind": kind})
        for key, entry in self.entries.items():
            possible = entry.history[floors[key]:]
            if seen.get(key) not in possible:
                self.problem(f"{key} is {seen.get(key)}, not one of {possible}")
        for key in set(seen) - set(self.entries):
            self.problem(f"{key} is there and nobody made it")
        return len(seen)

    def assert_clean(self):
        assert self.problems == [], "\n".join(self.problems[:20])


class Writer(threading.Thread):
    """Creates, replaces, patches and deletes its own objects over one kept connection."""

    def __init__(self, ledger, number, api):
        super().__init__(name=f"writer-{number}", daemon=True)
        self.ledger, self.number, self.api = ledger, number, api
        self.entries, self.random = ledger.writers[number], random.Random(number)
        self.connection, self.count, self.halt, self.pause_s = None, 0, threading.Event(), 0.0

    def run(self):
        while not self.halt.is_set():
            self.halt.wait(self.pause_s)
            self.pause_s = 0.0
            try:
                self.step(self.random.choice(self.entries))
            except LOST:
                self.hang_up()
                self.pause_s = 0.01
            except Exception as e:  # noqa: BLE001 - a thread's failure belongs to the test
                self.ledger.problem(f"{self.name}: {e!r}")
                return
        self.hang_up()

    def hang_up(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def ask(self, method, path, body=None, **more):
        self.connection = self.connection or self.api.connect(30)
        response = self.api.send(self.connection, method, path, body, **more)
        text = response.read()
        self.ledger.statuses[response.status] = self.ledger.statuses.get(response.status, 0) + 1
        return response.status, json.loads(text) if text[:1] == b"{" else {"text": text.decode(errors="replace")}

    def step(self, entry):
        if not entry.is_certain():
            self.look(entry)
            return
        self.count += 1
        value, path = f"{self.number}.{self.count}", core(self.ledger.ns, entry.plural, entry.name)
        if entry.history[-1] is None:
            self.write(entry, value, "POST", core(self.ledger.ns, entry.plural), self.ledger.body(entry, value))
            return
        choice = self.random.random()
        if choice < 0.25:
            self.write(entry, None, "DELETE", path, None)
        elif choice < 0.6:
            self.write(entry, value, "PUT", path, self.ledger.body(entry, value))
        else:
            self.write(entry, value, "PATCH", path, {"data": self.ledger.body(entry, value)["data"]},
                       content_type="application/merge-patch+json")

    def write(self, entry, value, method, path, body, **more):
        sent_after = self.ledger.highest
        entry.history.append(value)
        code, answer = self.ask(method, path, body, **more)
        if code < 300:
            self.ledger.acknowledge(entry, sent_after, answer)
        elif code < 500 and code != 429:
            self.ledger.problem(f"{method} {path}: {code} {answer.get('message')} although {entry.history[-2]} was there")
        else:
            self.pause_s = 0.01

    def look(self, entry):
        code, answer = self.ask("GET", core(self.ledger.ns, entry.plural, entry.name))
        if code >= 500 or code == 429:
            self.pause_s = 0.01
            return
        got, possible = None if code == 404 else value_of(answer), entry.history[entry.floor:]
        if got not in possible:
            self.ledger.problem(f"{entry.name} is {got}, not one of {possible}")
        entry.state(got)


class Load:
    """All writers of a ledger at work."""

    def __init__(self, ledger, api):
        self.ledger = ledger
        self.threads = [Writer(ledger, n, api) for n in range(len(ledger.writers))]
        for t in self.threads:
            t.start()

    def stop(self):
        for t in self.threads:
            t.halt.set()
        for t in self.threads:
            t.join(60)
        assert not any(t.is_alive() for t in self.threads)


class Informer(threading.Thread):
    """Lists and watches as informers do: goes on from the last revision after every loss, lists anew only when told that it is gone."""

    def __init__(self, ledger, plural, api):
        super().__init__(name=f"informer-{plural}", daemon=True)
        self.ledger, self.plural, self.api, self.halt = ledger, plural, api, threading.Event()
        self.store, self.rv, self.resumed, self.gaps = {}, None, 0, []
        self.events = []  # (revision, name, value), in the order they came

    def run(self):
        while not self.halt.is_set():
            try:
                if self.rv is None:
                    self.list()
                self.follow()
            except Refused as e:
                if e.code == 410:
                    self.rv = None
                self.halt.wait(0.02)
            except LOST:
                self.resumed += 1
                self.halt.wait(0.02)
            except Exception as e:  # noqa: BLE001
                self.ledger.problem(f"{self.name}: {e!r}")
                return

    def list(self):
        got = self.api.get(self.ledger.path(self.plural))
        rv = int(got["metadata"]["resourceVersion"])
        self.store = {o["metadata"]["name"]: int(o["metadata"]["resourceVersion"]) for o in got["items"]}
        self.gaps.append((self.events[-1][0] if self.events else 0, rv))
        self.rv = rv

    def follow(self):
        for event in self.api.watch(self.ledger.path(self.plural), self.rv, timeout=5):
            if event["type"] == "ERROR":
                raise Refused(event["object"].get("code", 500), event["object"])
            rv = int(event["object"]["metadata"]["resourceVersion"])
            if rv < self.rv or (rv == self.rv and event["type"] != "BOOKMARK"):
                self.ledger.problem(f"{self.name}: {event['type']} with revision {rv} after {self.rv}")
            if event["type"] != "BOOKMARK":
                self.take(event["type"], event["object"], rv)
            self.rv = rv
            if self.halt.is_set():
                return

    def take(self, kind, obj, rv):
        name = obj["metadata"]["name"]
        if (kind == "ADDED") == (name in self.store):
            self.ledger.problem(f"{self.name}: {kind} {name}, which was {'' if name in self.store else 'not '}known")
        value = None if kind == "DELETED" else value_of(obj)
        if value is None:
            self.store.pop(name, None)
        else:
            self.store[name] = rv
        self.events.append((rv, name, value))
        self.ledger.revision(rv, (self.plural, name, value))

    def missed(self):
        """Changes with a known revision that this informer should have seen and has not."""
        seen = {rv for rv, _, _ in self.events}
        return [(rv, what) for rv, what in self.ledger.revisions.items()
                if what[0] == self.plural and rv not in seen and not any(a < rv <= b for a, b in self.gaps)]
