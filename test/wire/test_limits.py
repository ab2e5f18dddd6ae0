"""Time and number: slow clients, idle ones, too many of them; and what each costs the others."""

import itertools
import re
import time
import urllib.request

import pytest
from harness.process import PATIENCE, wait_until
from raw import Conn, elapsed, head, refused, slowly

NUMBERS = itertools.count(1)


@pytest.fixture
def quick(short):
    """A proxy with short times and one thread."""
    return short("--header-timeout", "300ms", "--idle-timeout", "400ms", "--stream-timeout", "500ms", "--max-connections", "4", "--threads", "1")


def served(site, url):
    with Conn(url) as c:
        assert c.ask(site.get("tool", "/served")).status == 200


@pytest.mark.parametrize("begin", [b"G", b"GET / HTTP/1.1\r\nHost: h\r\n", b"GET / HTTP/1.1\r\nHost: h\r\nX: a"])
def test_slow_head_is_told_408(site, quick, begin):
    """The time is for the whole head: bytes that trickle do not extend it."""
    with Conn(quick.url) as c:
        start = time.monotonic()
        c.send(begin)
        slowly(c, [b"a"] * 100, 0.05)
        found = c.answer()
        assert found.status == 408 and found.reason == "LimitExceeded" and c.at_end()
        assert 0.25 < elapsed(start) < 3 * PATIENCE
    served(site, quick.url)


def test_silent_connection_is_closed(site, quick):
    """Whoever sends nothing is told nothing; between requests the idle time counts."""
    with Conn(quick.url) as c:
        assert c.at_end()
    with Conn(quick.url) as c:
        assert c.ask(site.get("tool", "/idle")).status == 200
        start = time.monotonic()
        assert c.at_end() and elapsed(start) > 0.3


def test_slow_body_is_told_408(site, quick):
    path = f"/slow{next(NUMBERS)}"
    with Conn(quick.url) as c:
        c.send(site.get("tool", path, "Content-Length: 100", method="POST") + b"abc")
        found = c.answer()
        assert found.status == 408 and c.at_end()
    assert site.tool.clean(path) == []
    served(site, quick.url)


def test_client_that_never_reads_is_let_go(site, quick):
    site.tool.on("firehose", lambda peer, request: peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 100000000))
    with Conn(quick.url) as c:
        c.send(site.get("tool", "/firehose"))
        wait_until(lambda: not any(r for r in metric(quick, "connectors_proxy_active_requests") if r), "request given up")
    served(site, quick.url)


def metric(p, prefix):
    text = urllib.request.urlopen(p.metrics + "/metrics").read().decode()
    return [float(v) for v in re.findall(rf"^{prefix}\S* ([0-9.e+]+)$", text, re.M)]


def test_connections_over_the_limit_are_refused(site, quick):
    """503 with Retry-After, and those within are served on."""
    held = [Conn(quick.url) for _ in range(4)]
    try:
        for c in held:
            assert c.ask(site.get("tool", "/held")).status == 200
        found = refused(quick.url, site.get("tool", "/over"))
        assert found.status == 503 and found.get("Retry-After") and found.reason == "Overloaded"
        assert site.tool.seen("/over") == []
        assert [c.ask(site.get("tool", "/held")).status for c in held] == [200] * 4
    finally:
        for c in held:
            c.close()
    wait_until(lambda: refused_or_served(site, quick.url) == 200, "room again")


def refused_or_served(site, url):
    with Conn(url) as c:
        return c.ask(site.get("tool", "/room", "Connection: close")).status


@pytest.mark.parametrize("flags, at, over, status", [
    (["--max-headers", "20"], 20, 21, 431),
    (["--max-header-size", "4Ki"], 4096, 4097, 431),
    (["--max-uri-size", "1Ki"], 1024, 1025, 414)])
def test_limits_by_flag(site, short, flags, at, over, status):
    p = short(*flags, "--threads", "1")

    def sized(n):
        base = site.get("tool", "/sized")
        if flags[0] == "--max-headers":
            return base[:-2] + b"X: a\r\n" * (n - base.count(b"\r\n") + 2) + b"\r\n"
        if flags[0] == "--max-header-size":
            return base[:-2] + b"X: " + b"a" * (n - len(base) - 5) + b"\r\n\r\n"
        target = site.path("tool", "/sized").encode()
        return base.replace(target, target + b"?" + b"a" * (n - len(target) - 1), 1)
    with Conn(p.url) as c:
        assert c.ask(sized(at)).status == 200
    found = refused(p.url, sized(over))
    assert found.status == status and found.reason == "LimitExceeded"


def test_a_hundred_slow_clients_hold_up_nobody(site, kube):
    held = [Conn(kube.proxy) for _ in range(100)]
    try:
        for i, c in enumerate(held):
            c.send((b"G", b"GET / HTTP/1.1\r\n", site.get("tool", "/x", "Content-Length: 9", method="POST") + b"a")[i % 3])
        begin = time.monotonic()
        for _ in range(20):
            served(site, kube.proxy)
        assert elapsed(begin) < 5 * PATIENCE
    finally:
        for c in held:
            c.close()


def test_large_bodies_pass_in_bounded_memory(site, kube):
    """64 MiB each way do not make the proxy grow by them."""
    size, block = 64 * 1024 * 1024, b"0123456789abcdef" * 65536
    pid = next(p for p in kube.component_pids() if b"\0proxy\0" in open(f"/proc/{p}/cmdline", "rb").read())

    def resident():
        return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1)) * 1024

    def answer(peer, request):
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // len(block)):
            peer.send(block)
    site.tool.on("large", answer)
    before = resident()
    with Conn(kube.proxy) as c:
        c.send(site.get("tool", "/large", f"Content-Length: {size}", method="POST"))
        for _ in range(size // len(block)):
            c.send(block)
        c.until(b"\r\n\r\n")
        got, c.buffer = len(c.buffer), b""
        while got < size:
            assert c.fill()
            got, c.buffer = got + len(c.buffer), b""
    assert got == size and [r.body_bytes for r in site.tool.clean("/large")] == [size]
    # The address sanitizer keeps what was freed.
    assert PATIENCE > 1 or resident() - before < 16 * 1024 * 1024


def test_nothing_but_get_at_the_metrics_port(listeners):
    for name in ("metrics-proxy", "metrics-controller"):
        url = listeners[name][0]
        for method in ("POST", "PUT", "DELETE", "TRACE", "CONNECT", "OPTIONS", "PATCH"):
            found = refused(url, head(method, "/metrics", "Content-Length: 0"))
            assert found.status in (405, 501), (method, found)
        with Conn(url) as c:
            for path in ("/", "/metrics/", "/metrics/..", "/debug", "/../etc/passwd", "/%6detrics", "http://h/metrics"):
                assert c.ask(head("GET", path)).status == 404
            for path in ("/metrics", "/healthz", "/readyz", "/livez", "/metrics?x=y"):
                assert c.ask(head("GET", path)).status == 200
