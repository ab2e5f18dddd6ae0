"""Each limit of the proxy, at the limit and one past it, answered with its own status."""

import socket
import time
import urllib.parse

import pytest
from harness.process import PATIENCE

HEADER_BYTES, HEADER_COUNT, URI_BYTES = 64 * 1024, 200, 16 * 1024


def send(url, data, seconds=30):
    """Returns the status code of the first answer and whether the peer then closed."""
    where = urllib.parse.urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=seconds) as s:
        s.sendall(data)
        got = b""
        while b"\r\n\r\n" not in got:
            part = s.recv(65536)
            if not part:
                break
            got += part
        s.settimeout(0.2)
        try:
            while part := s.recv(65536):
                got += part
            closed = True
        except TimeoutError:
            closed = False
        except ConnectionResetError:
            closed = True
    return (int(got.split(b" ", 2)[1]) if got else None), closed


def request(world, path, headers=""):
    return (f"GET {world.path('tool', path)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.token('builder')}\r\n{headers}\r\n").encode()


@pytest.mark.parametrize("over", [0, 1])
def test_uri(tool, over):
    room = URI_BYTES - len(tool.path("tool", "/"))
    assert send(tool.proxy, request(tool, "/" + "a" * (room + over)))[0] == (414 if over else 200)


@pytest.mark.parametrize("over", [0, 1])
def test_header_count(tool, over):
    headers = "".join(f"X-{i}: v\r\n" for i in range(HEADER_COUNT - 2 + over))
    assert send(tool.proxy, request(tool, "/x", headers))[0] == (431 if over else 200)


def test_header_bytes(tool):
    """What fits passes; past the limit is 431 and closes."""
    assert send(tool.proxy, request(tool, "/x", f"X: {'a' * (HEADER_BYTES - 4000)}\r\n"))[0] == 200
    assert send(tool.proxy, request(tool, "/x", f"X: {'a' * HEADER_BYTES}\r\n")) == (431, True)


def test_header_timeout(tool):
    """A head that does not end: 408, on its own proxy with a short limit."""
    own = tool.installation.start_proxy(f"short-{tool.ns}", "--header-timeout", "300ms")
    try:
        began = time.monotonic()
        status, closed = send(own.url, b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        assert (status, closed) == (408, True)
        assert time.monotonic() - began < 5 * PATIENCE
    finally:
        own.stop()


def test_idle_connection_is_closed(tool):
    own = tool.installation.start_proxy(f"idle-{tool.ns}", "--idle-timeout", "300ms")
    try:
        status, _ = send(own.url, request(tool, "/x"))
        assert status == 200
        where = urllib.parse.urlsplit(own.url)
        with socket.create_connection((where.hostname, where.port), timeout=10 * PATIENCE) as s:
            s.sendall(request(tool, "/x"))
            while s.recv(65536):
                pass
    finally:
        own.stop()


def test_connections(tool):
    """One more than allowed: 503 with Retry-After, and the place is free again when one ends."""
    own = tool.installation.start_proxy(f"few-{tool.ns}", "--max-connections", "4", "--threads", "1")
    try:
        where = urllib.parse.urlsplit(own.url)
        held = [socket.create_connection((where.hostname, where.port), timeout=10) for _ in range(4)]
        for s in held:
            s.sendall(request(tool, "/x"))
            assert s.recv(100).startswith(b"HTTP/1.1 200 ")
        with socket.create_connection((where.hostname, where.port), timeout=10) as one_more:
            one_more.sendall(request(tool, "/x"))
            got = b""
            try:
                while part := one_more.recv(65536):
                    got += part
            except ConnectionResetError:
                pass
        assert got.startswith(b"HTTP/1.1 503 ") and b"retry-after" in got.lower()
        for s in held:
            s.close()
        tool.wait_status(200, "tool", token=tool.token("builder"), proxy=own.url)
    finally:
        own.stop()


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 5_000_000])
def test_bodies_of_any_size_stream(tool, origin, size):
    answer = tool.reverse("tool", "/size", tool.token("builder"), method="PUT", body=b"x" * size)
    assert answer.status == 200 and origin.seen("/size")[0]["body"] == size
