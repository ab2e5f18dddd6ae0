"""A tool of raw sockets: it records requests to the byte, and answers what a test tells it to.

The last segment of the path chooses the answer: bytes, or a function of (connection, request), set by `tool.on(name, answer)`. Anything
else is a 200 whose body is the request's target. Requests are read without tolerance: what is not framed cleanly is kept in
`tool.trouble` and the connection closed; to TLS it answers in clear.
"""

import re
import socket
import threading

TLS_HANDSHAKE = 0x16
LARGE_BYTES = 4 * 1024 * 1024


class Request:
    """What arrived: `head` bytes, `complete` once the body was there too, `connection` a number."""

    def __init__(self, head, connection):
        self.raw, self.connection, self.body, self.complete = head, connection, b"", False
        self.body_bytes = 0
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        self.method, self.target, self.version = first.split(" ")
        self.headers = [tuple(p.strip() for p in line.split(":", 1)) for line in lines]

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name):
        return next(iter(self.all(name)), None)

    def __repr__(self):
        return f"{self.raw!r} body {self.body[:100]!r}"


class Peer:
    """The proxy's connection as the tool sees it."""

    def __init__(self, sock, number):
        self.sock, self.number, self.buffer, self.closing = sock, number, b"", False

    def fill(self):
        data = self.sock.recv(65536)
        self.buffer += data
        return bool(data)

    def send(self, data):
        self.sock.sendall(data)

    def hang_up(self):
        self.closing = True

    def take_until(self, mark):
        while mark not in self.buffer:
            if not self.fill():
                return None
        found, _, self.buffer = self.buffer.partition(mark)
        return found + mark

    def take(self, n):
        while len(self.buffer) < n:
            if not self.fill():
                return None
        found, self.buffer = self.buffer[:n], self.buffer[n:]
        return found


class RawTool:
    def __init__(self, host="127.0.0.1"):
        self.lock, self.answers, self.count = threading.Lock(), {}, 0
        self.requests, self.trouble, self.hellos = [], [], []
        self.released = threading.Event()
        self.listener = socket.create_server((host, 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.url, self.authority = f"http://{host}:{self.port}", f"{host}:{self.port}"
        self.peers = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def on(self, name, answer):
        self.answers[name] = answer

    def seen(self, part):
        """Requests whose target contains that, complete or not."""
        with self.lock:
            return [r for r in self.requests if part in r.target]

    def clean(self, part):
        """As seen, those that were framed to their end."""
        return [r for r in self.seen(part) if r.complete]

    def close(self):
        self.released.set()
        self.listener.close()
        for peer in list(self.peers):
            try:
                peer.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    # --- the server's side

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self._serve, args=(Peer(sock, self.count),), daemon=True).start()

    def _serve(self, peer):
        self.peers.add(peer)
        try:
            while not peer.closing and self._exchange(peer):
                pass
        except OSError:
            pass
        finally:
            self.peers.discard(peer)
            peer.sock.close()

    def _exchange(self, peer):
        if not peer.buffer and not peer.fill():
            return False
        if peer.buffer[0] == TLS_HANDSHAKE:
            self.hellos.append(peer.buffer)
            peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return False
        head = peer.take_until(b"\r\n\r\n")
        if head is None:
            self.trouble.append(peer.buffer)
            return False
        try:
            request = Request(head, peer.number)
        except ValueError:
            self.trouble.append(head)
            return False
        with self.lock:
            self.requests.append(request)
        if not self._read_body(peer, request):
            return False
        request.complete = True
        self._answer(peer, request)
        return True

    def _read_body(self, peer, request):
        length, coding = request.all("Content-Length"), request.all("Transfer-Encoding")
        if len(length) + len(coding) > 1 or (coding and coding != ["chunked"]):
            self.trouble.append(request.raw)
            return False
        if length:
            return self._read_length(peer, request, int(length[0]))
        while coding:
            line = peer.take_until(b"\r\n")
            if line is None or not re.fullmatch(rb"[0-9a-f]+\r\n", line):
                if line is not None:
                    self.trouble.append(line)
                return False
            data = peer.take(int(line, 16) + 2)
            if data is None:
                return False
            request.body += data[:-2]
            if len(data) == 2:
                return True
        return True

    def _read_length(self, peer, request, n):
        """Of a large body only the size is kept."""
        request.body_bytes = n
        if n <= LARGE_BYTES:
            request.body = peer.take(n)
            return request.body is not None
        n -= len(peer.buffer)
        while n > 0:
            peer.buffer = b""
            if not peer.fill():
                return False
            n -= len(peer.buffer)
        peer.buffer = b""
        return n == 0

    def _answer(self, peer, request):
        name = request.target.split("?")[0].rsplit("/", 1)[-1]
        answer = self.answers.get(name)
        if answer is None:
            body = request.target.encode("latin-1")
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
            answer += b"" if request.method == "HEAD" else body
        if callable(answer):
            answer(peer, request)
        else:
            peer.send(answer)


def ok(body=b"ok", *lines):
    """A plain response with more header lines."""
    extra = b"".join(line + b"\r\n" for line in lines)
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (len(body), extra) + body


def hang_up(*pieces):
    """An answer that sends these bytes and closes."""
    def answer(peer, request):
        for piece in pieces:
            peer.send(piece)
        peer.hang_up()
    return answer
