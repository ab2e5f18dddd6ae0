"""Requests that chance has damaged: whatever the proxy makes of them, the tool sees whole requests with the right credential, or none."""

import random

import pytest
from harness.traces import holds
from raw import Broken, Conn

SEEDS = range(6)
ROUNDS = 60
PIECES = [b"\r\n", b"\n", b"\r", b" ", b"\t", b"\0", b":", b",", b";", b"\x7f", b"\x80", b"\xff", b"\r\n\r\n", b"0\r\n\r\n", b"Content-Length: 3\r\n",
          b"Transfer-Encoding: chunked\r\n", b"Host: evil.test\r\n", b"Connection: close\r\n", b"Connection: keep-alive, authorization\r\n",
          b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n", b" HTTP/1.1\r\n", b"http://evil.test", b"/../", b"%2e%2e/", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"]


def originals(site, mark):
    yield site.get("tool", f"/{mark}", "Accept: */*", "X-A: b")
    yield site.get("tool", f"/{mark}", "Content-Length: 11", method="POST") + b"hello world"
    yield site.get("tool", f"/{mark}", "Transfer-Encoding: chunked", method="PUT") + b"5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-T: a\r\n\r\n"
    yield (f"GET {site.tool.url}/{mark} HTTP/1.1\r\nHost: {site.tool.authority}\r\n{site.proxy_credentials('tool')}\r\n\r\n").encode()


def damage(rng, data):
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data))
        kind = rng.randrange(5)
        if kind == 0:
            data = data[:at] + rng.choice(PIECES) + data[at:]
        elif kind == 1:
            data = data[:at] + data[at + rng.randint(1, 8):]
        elif kind == 2:
            data = data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1:]
        elif kind == 3:
            end = min(len(data), at + rng.randint(1, 40))
            data = data[:end] + data[at:end] + data[end:]
        else:
            line = data.find(b"\r\n", at)
            data = data if line < 0 else data[:line + 2] + rng.choice(PIECES) + data[line + 2:]
        if not data:
            return b"\r\n"
    return data


def answers(url, rng, data):
    """Sends the bytes in random pieces and returns the statuses that came back."""
    found = []
    with Conn(url) as c:
        while data:
            cut = rng.randint(1, len(data))
            c.send(data[:cut])
            data = data[cut:]
        try:
            c.end()
            while c.buffer or c.fill():
                answer = c.answer()
                found.append((answer.status, answer.reason))
                assert answer.status != 500
        except (Broken, AssertionError, ValueError, OSError) as e:
            # Cut answers and those to HEAD cannot be read here; a 500 can.
            assert "500" not in str(e)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_requests(site, seed):
    rng = random.Random(seed)
    for i in range(ROUNDS):
        mark = f"mut{seed}x{i}"
        for data in originals(site, mark):
            bad = damage(rng, data)
            before = len(site.tool.requests)
            found = answers(site.proxy, rng, bad)
            arrived = site.tool.requests[before:]
            assert not site.tool.trouble, (bad, site.tool.trouble)
            done = sum(1 for status, reason in found if reason is None and status < 500)
            whole = [r for r in arrived if r.complete and mark in r.target]
            assert len(whole) <= max(done, 1), (bad, found, arrived)
            for r in arrived:
                assert r.all("Authorization") == [site.credential("tool")], (bad, r)
                assert r.all("Host") == [site.tool.authority] and site.builder.encode() not in r.raw, (bad, r)
    with Conn(site.proxy) as c:
        assert c.ask(site.get("tool", "/whole")).body == b"/whole"


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_answers(site, seed):
    """The client gets an answer or a cut; the next one on the same connection is its own."""
    rng = random.Random(seed)
    good = [b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\nX: y\r\n\r\n"]
    for i in range(ROUNDS):
        for n, data in enumerate(good):
            bad, name = damage(rng, data), f"ans{seed}x{i}x{n}"

            def answer(peer, request, bad=bad):
                peer.send(bad)
                peer.hang_up()
            site.tool.on(name, answer)
            with Conn(site.proxy) as c:
                c.send(site.get("tool", "/" + name))
                try:
                    found = c.answer()
                    assert not holds(found.raw, site.secrets())
                except Broken:
                    continue
                assert c.ask(site.get("tool", f"/{name}n")).body == f"/{name}n".encode(), bad
