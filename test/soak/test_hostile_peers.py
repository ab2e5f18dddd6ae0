"""Slow, silent and never-reading peers on the proxy: a good client's requests go on, and what the bad ones hold is bounded and given back."""

import os
import select
import socket
import threading
import time
import urllib.parse

import pytest
from harness.process import PATIENCE, children, run, wait_until

PEERS = 200
HEADER_TIMEOUT_S = 15


class Good(threading.Thread):
    """One request after the other over one connection; remembers how long each took."""

    def __init__(self, world, token):
        super().__init__(daemon=True)
        self.world, self.token, self.halt, self.times, self.wrong = world, token, threading.Event(), [], []

    def run(self):
        connection = self.world.connect(timeout=30)
        while not self.halt.is_set():
            began = time.monotonic()
            try:
                answer = self.world.reverse("tool", "/good", self.token, connection=connection)
                if answer.status != 200:
                    self.wrong.append((answer.status, answer.body[:200]))
            except OSError as e:
                self.wrong.append(repr(e))
                connection = self.world.connect(timeout=30)
            self.times.append(time.monotonic() - began)

    def end(self):
        self.halt.set()
        self.join(60)
        assert self.wrong == []
        return sorted(self.times)


@pytest.fixture
def peers(own):
    """Opens raw connections to the proxy; closes what is left."""
    url, made = urllib.parse.urlsplit(own.proxy), []

    def connect(receive_bytes=None):
        s = socket.socket()
        if receive_bytes:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        s.connect((url.hostname, url.port))
        made.append(s)
        return s
    yield connect
    for s in made:
        s.close()


def proxy_pid(world):
    return next(p for p in children(world.installation.main.pid) if run("cat", f"/proc/{p}/cmdline").stdout.split("\0")[1] == "proxy")


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def is_closed(s):
    """Whether the proxy has ended the connection; takes what it still said."""
    while select.select([s], [], [], 0)[0]:
        try:
            if not s.recv(65536):
                return True
        except OSError:
            return True
    return False


def attack(own, act, ends_within_s):
    """Runs `act` beside a good client and waits until every bad peer was dropped; returns the good one's times."""
    token = own.token("builder")
    assert own.reverse("tool", "/warm", token).status == 200
    pid = proxy_pid(own)
    files, memory = open_files(pid), resident_kib(pid)
    good = Good(own, token)
    good.start()
    bad = act()
    wait_until(lambda: all(map(is_closed, bad)), "every bad peer is dropped", ends_within_s)
    times = good.end()
    wait_until(lambda: open_files(pid) <= files + 8, f"descriptors are given back: {files} before", 20)
    assert resident_kib(pid) < memory + 64 * 1024
    assert len(times) > 20
    assert times[len(times) * 99 // 100] < 1 * PATIENCE, times[-5:]
    return times


def test_slow_heads(own, peers):
    """A byte now and then: dropped when the time for the head is over, not when the bytes end."""
    def act():
        bad = [peers() for _ in range(PEERS)]
        for s in bad:
            s.sendall(b"GET /namespaces/soak/connectors/tool/slow HTTP/1.1\r\nHost: x\r\n")
        threading.Thread(target=drip, args=(bad,), daemon=True).start()
        return bad
    attack(own, act, HEADER_TIMEOUT_S + 20)


def drip(bad):
    """One header byte to each peer, again and again, until all are closed."""
    left = list(bad)
    while left:
        for s in list(left):
            try:
                s.sendall(b"X")
            except OSError:
                left.remove(s)
        time.sleep(0.5)  # the slowness itself


def test_silent_peers(own, peers):
    """Connections on which nothing is ever said."""
    attack(own, lambda: [peers() for _ in range(PEERS)], 75 + 20)


def test_garbage(own, peers):
    def act():
        bad = [peers() for _ in range(PEERS)]
        for i, s in enumerate(bad):
            s.sendall((b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/1.1\nHost: a\n\n", b"\0" * 100,
                       b"G" * 20000, b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")[i % 5])
        return bad
    attack(own, act, HEADER_TIMEOUT_S + 20)


def test_bodies_that_never_come(own, peers):
    """Authorized uploads that stop half-way: they hold a connection each and nothing else; closing them frees all."""
    token = own.token("builder")
    pid, head = proxy_pid(own), "POST /namespaces/soak/connectors/tool/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
    assert own.reverse("tool", "/warm", token).status == 200
    files = open_files(pid)
    good = Good(own, token)
    good.start()
    bad = [peers() for _ in range(PEERS)]
    for s in bad:
        s.sendall(f"{head}{token}\r\nContent-Length: 1000000\r\n\r\n".encode() + b"x" * 1000)
    wait_until(lambda: open_files(pid) > files + PEERS, "the uploads have begun")
    seen = len(good.times)
    wait_until(lambda: len(good.times) > seen + 50, "the good client goes on")
    for s in bad:
        s.close()
    times = good.end()
    wait_until(lambda: open_files(pid) <= files + 8, "descriptors are given back", 20)
    assert times[len(times) * 99 // 100] < 1 * PATIENCE


def test_peers_that_never_read(own, peers, origin):
    """Answers nobody takes stay at the tool: the proxy's memory does not grow with them."""
    token = own.token("builder")
    pid = proxy_pid(own)
    assert own.reverse("tool", "/warm", token).status == 200
    files, memory = open_files(pid), resident_kib(pid)
    good = Good(own, token)
    good.start()
    bad = [peers(receive_bytes=4096) for _ in range(50)]
    for s in bad:
        s.sendall(f"GET /namespaces/soak/connectors/tool/large/33554432 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    wait_until(lambda: len(origin.seen("/large/")) == len(bad), "the tool was asked by all")
    seen = len(good.times)
    wait_until(lambda: len(good.times) > seen + 100, "the good client goes on", 60)
    assert resident_kib(pid) < memory + 64 * 1024, "memory grows with what is not read"
    for s in bad:
        s.close()
    times = good.end()
    wait_until(lambda: open_files(pid) <= files + 8, "descriptors are given back", 20)
    assert times[len(times) * 99 // 100] < 1 * PATIENCE
