"""A tool that records what reached it.

Answers are chosen by path: /status/N answers N, /large/N answers N bytes, /hang never answers, /garbage answers no HTTP, /redirect?to=URL
redirects, /cookie sets one, /echo returns Authorization in a header, /drip sends a first half and the rest when release() is called. All else
is 200 with the request as JSON.
"""

import http.client
import json
import ssl
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


http.client._MAXHEADERS = 1000  # the proxy's limits are under test, not Python's


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            chunk = self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body
            body += chunk

    def handle_any(self):
        origin = self.server.origin
        body = self.read_body()
        record = {"method": self.command, "path": self.path, "headers": [list(h) for h in self.headers.items()], "body": len(body)}
        with origin.lock:
            origin.requests.append(record)
        path, _, query = self.path.partition("?")
        self.route(origin, path, urllib.parse.parse_qs(query), record)

    def route(self, origin, path, query, record):
        name = path.rsplit("/", 1)[-1]
        if "/status/" in path:
            self.answer(int(name))
        elif "/large/" in path:
            self.answer(200, bytes(int(name)))
        elif name == "hang":
            origin.released.wait(60)
            self.close_connection = True
        elif name == "garbage":
            self.wfile.write(b"not HTTP at all\r\n\r\n")
            self.close_connection = True
        elif name == "redirect":
            self.answer(302, headers=[("Location", query["to"][0])])
        elif name == "cookie":
            self.answer(200, b"ok", [("Set-Cookie", "session=tool-session"), ("X-Other", "kept")])
        elif name == "echo":
            self.answer(200, b"ok", [("X-Echo", self.headers.get("Authorization", ""))])
        elif name == "drip":
            self.drip(origin)
        else:
            self.answer(200, json.dumps(record).encode(), [("Content-Type", "application/json")])

    def drip(self, origin):
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"half")
        self.wfile.flush()
        origin.released.wait(60)
        self.wfile.write(b"half")

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024  # fewer than the peers of a test, and a SYN is dropped and sent again after 1 s

    def handle_error(self, request, client_address):
        pass


class Origin:
    """Listens from its making until close()."""

    def __init__(self, cert=None):
        self.lock, self.requests, self.released = threading.Lock(), [], threading.Event()
        self.server = _Server(("127.0.0.1", 0), _Handler)
        self.server.origin = self
        if cert:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*map(str, cert))
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if cert else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def seen(self, path_part):
        """Requests whose path contains that."""
        with self.lock:
            return [r for r in self.requests if path_part in r["path"]]

    def release(self):
        self.released.set()

    def close(self):
        self.release()
        self.server.shutdown()
        self.server.server_close()


def header(record, name):
    """All values of a header of a recorded request."""
    return [v for n, v in record["headers"] if n.lower() == name.lower()]
