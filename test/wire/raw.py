"""Bytes on sockets: what no client library would send, and answers read without one."""

import json
import select
import socket
import ssl
import time
import urllib.parse

from harness.process import PATIENCE

WAIT_S = 10 * PATIENCE


class Broken(Exception):
    """The peer did not answer as HTTP/1.1, or not in time."""


class Answer:
    """One response: status, headers as (lower-case name, value), body, and all its bytes."""

    def __init__(self, status, headers, body, raw):
        self.status, self.headers, self.body, self.raw = status, headers, body, raw

    def all(self, name):
        return [v for n, v in self.headers if n == name.lower()]

    def get(self, name):
        return next(iter(self.all(name)), None)

    @property
    def reason(self):
        return self.get("X-Connectors-Error")

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300]!r}"


def split_url(url):
    u = urllib.parse.urlsplit(url)
    return u.hostname, u.port


class Conn:
    """A client connection; `tls` is an ssl.SSLContext or None."""

    def __init__(self, url, tls=None, source=None):
        self.sock = socket.create_connection(split_url(url), timeout=WAIT_S, source_address=source)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname="127.0.0.1")
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()

    def send(self, data):
        """Sends what the peer still takes; a peer that has refused and closed is no error here."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass
        return self

    def end(self):
        """Ends our direction only."""
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def close(self):
        self.sock.close()

    def fill(self):
        """Reads once; False at the end."""
        try:
            data = self.sock.recv(65536)
        except (ConnectionResetError, ssl.SSLError, BrokenPipeError):
            return False
        except TimeoutError:
            raise Broken(f"no answer within {WAIT_S} s; so far {self.buffer[:300]!r}") from None
        self.buffer += data
        return bool(data)

    def until(self, mark):
        while mark not in self.buffer:
            if not self.fill():
                raise Broken(f"closed within a response: {self.buffer[:300]!r}")
        found, _, self.buffer = self.buffer.partition(mark)
        return found + mark

    def take(self, n):
        while len(self.buffer) < n:
            if not self.fill():
                raise Broken(f"closed within a body: {self.buffer[:300]!r}")
        found, self.buffer = self.buffer[:n], self.buffer[n:]
        return found

    def chunks(self):
        body, raw = b"", b""
        while True:
            line = self.until(b"\r\n")
            data = self.take(int(line.split(b";")[0], 16) + 2)
            assert data.endswith(b"\r\n")
            body, raw = body + data[:-2], raw + line + data
            if len(data) == 2:
                return body, raw

    def answer(self, method="GET", interim=None):
        """Reads one final response; interim ones go to the list, if given."""
        while True:
            head = self.until(b"\r\n\r\n")
            first, *lines = head[:-4].decode("latin-1").split("\r\n")
            assert first.startswith("HTTP/1.1 "), first
            status = int(first[9:12])
            headers = [(n.lower(), v.strip()) for n, _, v in (line.partition(":") for line in lines)]
            found = Answer(status, headers, b"", head)
            if status >= 200:
                break
            if interim is not None:
                interim.append(found)
        if method == "HEAD" or status in (204, 304):
            return found
        if (found.get("transfer-encoding") or "").lower() == "chunked":
            found.body, raw = self.chunks()
        elif found.get("content-length") is not None:
            found.body = raw = self.take(int(found.get("content-length")))
        else:
            while self.fill():
                pass
            found.body, raw, self.buffer = self.buffer, self.buffer, b""
        found.raw += raw
        return found

    def ask(self, data, method="GET"):
        return self.send(data).answer(method)

    def at_end(self):
        """Waits until the peer has closed; True when it sent nothing more."""
        while self.fill():
            pass
        return not self.buffer

    def is_silent(self, seconds=0.05):
        """Whether the connection stays open without a byte for that long."""
        readable, _, _ = select.select([self.sock], [], [], seconds)
        return not readable and not self.buffer


def refused(url, data, tls=None, method="GET"):
    """Sends bytes, reads the one answer, and demands that the connection is closed behind it."""
    with Conn(url, tls) as c:
        found = c.send(data).answer(method)
        assert c.at_end(), f"after {found.status} came {c.buffer[:200]!r}"
        return found


def slowly(c, pieces, every_s):
    """Sends pieces with pauses until the peer answers."""
    for piece in pieces:
        c.send(piece)
        readable, _, _ = select.select([c.sock], [], [], every_s)
        if readable:
            return


def head(method, target, *lines, host="h", version="HTTP/1.1"):
    """A request head; `host=None` leaves Host out."""
    hosts = [] if host is None else [f"Host: {host}"]
    return "\r\n".join([f"{method} {target} {version}", *hosts, *lines, "", ""]).encode("latin-1")


def elapsed(begin):
    return time.monotonic() - begin
