"""Requests that are malformed, or that could be read in two ways: one refusal, a closed connection, and the server lives."""

import pytest
from raw import Conn, head, refused

H = b"Host: h\r\n"


def get(*lines, target=b"/", host=H):
    return b"GET " + target + b" HTTP/1.1\r\n" + host + b"".join(lines) + b"\r\n"


def post(*lines, body=b""):
    return b"POST / HTTP/1.1\r\n" + H + b"".join(lines) + b"\r\n" + body


HEADS = {
    # start line
    "http-0.9": (b"GET /\r\n", 400),
    "http-0.9-path": (b"GET /healthz\r\n\r\n", 400),
    "http-2-preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "http-1.2": (b"GET / HTTP/1.2\r\n" + H + b"\r\n", 505),
    "http-3.0": (b"GET / HTTP/3.0\r\n" + H + b"\r\n", 505),
    "version-lower-case": (b"GET / http/1.1\r\n" + H + b"\r\n", 400),
    "version-one-digit": (b"GET / HTTP/1\r\n" + H + b"\r\n", 400),
    "version-two-digits": (b"GET / HTTP/1.10\r\n" + H + b"\r\n", 400),
    "version-three-parts": (b"GET / HTTP/1.1.1\r\n" + H + b"\r\n", 400),
    "version-leading-zero": (b"GET / HTTP/01.1\r\n" + H + b"\r\n", 400),
    "version-missing": (b"GET / \r\n" + H + b"\r\n", 400),
    "two-spaces-before-target": (b"GET  / HTTP/1.1\r\n" + H + b"\r\n", 400),
    "two-spaces-before-version": (b"GET /  HTTP/1.1\r\n" + H + b"\r\n", 400),
    "space-after-version": (b"GET / HTTP/1.1 \r\n" + H + b"\r\n", 400),
    "space-in-target": (b"GET /a b HTTP/1.1\r\n" + H + b"\r\n", 400),
    "tab-in-start-line": (b"GET\t/\tHTTP/1.1\r\n" + H + b"\r\n", 400),
    "empty-line-first": (b"\r\nGET / HTTP/1.1\r\n" + H + b"\r\n", 400),
    "lf-first": (b"\nGET / HTTP/1.1\r\n" + H + b"\r\n", 400),
    "space-first": (b" GET / HTTP/1.1\r\n" + H + b"\r\n", 400),
    "method-missing": (b" / HTTP/1.1\r\n" + H + b"\r\n", 400),
    "method-with-colon": (b"GE:T / HTTP/1.1\r\n" + H + b"\r\n", 400),
    "method-with-at": (b"G@T / HTTP/1.1\r\n" + H + b"\r\n", 400),
    "method-nul": (b"GE\0T / HTTP/1.1\r\n" + H + b"\r\n", 400),
    "method-high-byte": (b"G\xc3\x89T / HTTP/1.1\r\n" + H + b"\r\n", 400),
    "target-nul": (b"GET /\0 HTTP/1.1\r\n" + H + b"\r\n", 400),
    "target-control": (b"GET /\x01 HTTP/1.1\r\n" + H + b"\r\n", 400),
    "target-high-byte": (b"GET /\xc3\xa9 HTTP/1.1\r\n" + H + b"\r\n", 400),
    "target-del": (b"GET /\x7f HTTP/1.1\r\n" + H + b"\r\n", 400),
    "target-cr": (b"GET /\rx HTTP/1.1\r\n" + H + b"\r\n", 400),
    "target-lf": (b"GET /\nx HTTP/1.1\r\n" + H + b"\r\n", 400),
    "tls-hello": (bytes.fromhex("16030100b0010000ac0303") + bytes(32) + b"\r\n\r\n", 400),
    "socks": (b"\x05\x01\x00", 400),
    "smtp": (b"EHLO h\r\n", 400),
    "nothing-but-cr": (b"\r\r\r\r", 400),
    # line ends and names
    "bare-lf-start-line": (b"GET / HTTP/1.1\n" + H + b"\r\n", 400),
    "bare-lf-header": (b"GET / HTTP/1.1\r\nHost: h\n\r\n", 400),
    "bare-lf-end": (b"GET / HTTP/1.1\r\nHost: h\r\n\n", 400),
    "bare-lf-in-value": (get(b"X: a\nb: c\r\n"), 400),
    "bare-cr-in-value": (get(b"X: a\rb\r\n"), 400),
    "cr-cr-lf": (get(b"X: a\r\r\n"), 400),
    "fold-space": (get(b"X: a\r\n b\r\n"), 400),
    "fold-tab": (get(b"X: a\r\n\tb\r\n"), 400),
    "fold-first": (b"GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400),
    "space-before-colon": (get(b"X : a\r\n"), 400),
    "tab-before-colon": (get(b"X\t: a\r\n"), 400),
    "host-space-before-colon": (b"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400),
    "length-space-before-colon": (post(b"Content-Length : 3\r\n", body=b"abc"), 400),
    "space-in-name": (get(b"X Y: a\r\n"), 400),
    "name-empty": (get(b": a\r\n"), 400),
    "colon-missing": (get(b"X\r\n"), 400),
    "name-nul": (get(b"X\0: a\r\n"), 400),
    "name-high-byte": (get(b"X\xff: a\r\n"), 400),
    "name-bracket": (get(b"X(: a\r\n"), 400),
    "value-nul": (get(b"X: a\0b\r\n"), 400),
    "value-bell": (get(b"X: a\x07\r\n"), 400),
    "value-del": (get(b"X: a\x7f\r\n"), 400),
    "value-escape": (get(b"X: \x1b[2J\r\n"), 400),
    # Host
    "host-missing": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "host-empty": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    "host-blank": (b"GET / HTTP/1.1\r\nHost:   \r\n\r\n", 400),
    "host-twice": (get(H), 400),
    "host-twice-unlike": (get(b"Host: other\r\n"), 400),
    "host-twice-cases": (get(b"hOST: h\r\n"), 400),
    # framing
    "length-and-coding": (post(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", body=b"0\r\n\r\n"), 400),
    "coding-and-length": (post(b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", body=b"0\r\n\r\n"), 400),
    "length-twice": (post(b"Content-Length: 3\r\n", b"Content-Length: 4\r\n", body=b"abc"), 400),
    "length-twice-alike": (post(b"Content-Length: 3\r\n", b"content-length: 3\r\n", body=b"abc"), 400),
    "length-list": (post(b"Content-Length: 3, 3\r\n", body=b"abc"), 400),
    "length-plus": (post(b"Content-Length: +3\r\n", body=b"abc"), 400),
    "length-minus": (post(b"Content-Length: -3\r\n", body=b"abc"), 400),
    "length-hex": (post(b"Content-Length: 0x3\r\n", body=b"abc"), 400),
    "length-fraction": (post(b"Content-Length: 3.0\r\n", body=b"abc"), 400),
    "length-space": (post(b"Content-Length: 3 3\r\n", body=b"abc"), 400),
    "length-empty": (post(b"Content-Length:\r\n"), 400),
    "length-overflow": (post(b"Content-Length: 18446744073709551619\r\n", body=b"abc"), 400),
    "length-beyond-int64": (post(b"Content-Length: 9223372036854775808\r\n", body=b"abc"), 400),
    "length-on-get": (get(b"Content-Length: 1_0\r\n"), 400),
    "coding-twice": (post(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\n", body=b"0\r\n\r\n"), 400),
    "coding-chunked-twice": (post(b"Transfer-Encoding: chunked, chunked\r\n", body=b"0\r\n\r\n"), 400),
    "coding-identity": (post(b"Transfer-Encoding: identity\r\n"), 400),
    "coding-not-last": (post(b"Transfer-Encoding: chunked, gzip\r\n", body=b"0\r\n\r\n"), 400),
    "coding-gzip": (post(b"Transfer-Encoding: gzip, chunked\r\n", body=b"0\r\n\r\n"), 501),
    "coding-empty": (post(b"Transfer-Encoding:\r\n"), 400),
    "coding-xchunked": (post(b"Transfer-Encoding: xchunked\r\n", body=b"0\r\n\r\n"), 400),
    "coding-quoted": (post(b'Transfer-Encoding: "chunked"\r\n', body=b"0\r\n\r\n"), 400),
    "coding-parameter": (post(b"Transfer-Encoding: chunked;q=1\r\n", body=b"0\r\n\r\n"), 400),
    "coding-vertical-tab": (post(b"Transfer-Encoding: \x0bchunked\r\n", body=b"0\r\n\r\n"), 400),
    "coding-name-space": (post(b"Transfer-Encoding : chunked\r\n", body=b"0\r\n\r\n"), 400),
    "coding-fold": (post(b"Transfer-Encoding:\r\n chunked\r\n", body=b"0\r\n\r\n"), 400),
    "coding-in-1.0": (b"POST / HTTP/1.0\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "length-and-coding-in-1.0": (b"POST / HTTP/1.0\r\n" + H + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", 400),
    # one past each limit
    "headers-201": (get(*[b"X-%d: a\r\n" % i for i in range(200)]), 431),
    "target-16k-1": (get(target=b"/" + b"a" * 16384), 414),
    "target-endless": (b"GET /" + b"a" * 70000, 414),
    "head-64k-1": (get(b"X: " + b"a" * (65536 + 1 - len(get(b"X: \r\n"))) + b"\r\n"), 431),
    "head-endless": (get()[:-2] + b"X: " + b"a" * 80000, 431),
    "head-of-tiny-lines": (get()[:-2] + b"a:\r\n" * 40000, 431),
}

NAMES = ("proxy", "apiserver", "metrics-proxy", "metrics-controller")
EACH = pytest.mark.parametrize("listener", NAMES, indirect=True)


@pytest.fixture
def listener(request, listeners, site):
    """(URL, TLS, a request that is answered 200)."""
    url, tls, path = listeners[request.param]
    return url, tls, head("GET", path) if path else site.get("tool", "/alive")


@pytest.mark.parametrize("case", HEADS)
@EACH
def test_malformed_head(listener, case):
    url, tls, good = listener
    data, status = HEADS[case]
    found = refused(url, data, tls)
    assert found.status == status, found
    assert 0 < len(found.body) < 1000 and b"\n" not in found.body[:-1]
    with Conn(url, tls) as c:
        assert c.ask(good).status == 200


@EACH
def test_malformed_head_byte_by_byte(listener):
    """The refusal does not depend on how bytes are cut into packets."""
    url, tls, _ = listener
    for case in ("fold-space", "host-twice", "length-and-coding", "bare-lf-end"):
        data, status = HEADS[case]
        with Conn(url, tls) as c:
            for i in range(len(data)):
                c.send(data[i:i + 1])
            assert c.answer().status == status
            assert c.at_end()


def test_refusals_of_the_proxy_are_status_objects(site):
    for case, reason in (("host-twice", "AmbiguousRequest"), ("headers-201", "LimitExceeded"), ("coding-gzip", "NotImplemented")):
        found = refused(site.proxy, HEADS[case][0])
        assert found.get("Content-Type") == "application/json"
        assert found.json["kind"] == "Status" and found.json["code"] == HEADS[case][1]
        assert found.json["reason"] == found.reason == reason


def test_refusals_of_the_api_server_are_status_objects(kube, admin_tls):
    for case in ("host-twice", "headers-201", "target-16k-1", "coding-gzip"):
        found = refused(kube.endpoints["apiserver"], HEADS[case][0], admin_tls)
        assert found.get("Content-Type") == "application/json"
        assert found.json["kind"] == "Status" and found.json["code"] == HEADS[case][1]


@EACH
def test_limits_are_reached(listener):
    """What is exactly as large as the limit is served."""
    url, tls, good = listener
    lines = [b"X-%d: a\r\n" % i for i in range(200 - good.count(b"\r\n") + 2)]
    with Conn(url, tls) as c:
        assert c.ask(good[:-2] + b"".join(lines) + b"\r\n").status == 200
        pad = b"X: " + b"a" * (65536 - len(good) - len(b"X: \r\n")) + b"\r\n"
        assert c.ask(good[:-2] + pad + b"\r\n").status == 200
        target = good.split(b" ")[1]
        longest = target + b"?" + b"a" * (16384 - len(target) - 1)
        assert c.ask(good.replace(target, longest, 1)).status == 200


@EACH
def test_requests_in_one_packet_are_answered_in_order(listener):
    url, tls, good = listener
    with Conn(url, tls) as c:
        c.send(good * 20)
        assert [c.answer().status for _ in range(20)] == [200] * 20
        c.send(good + HEADS["fold-space"][0] + good)
        assert [c.answer().status, c.answer().status] == [200, 400]
        assert c.at_end()


@pytest.mark.parametrize("listener", [n for n in NAMES if n != "apiserver"], indirect=True)
def test_half_close_is_answered(listener):
    """A client that has ended its direction still gets its answers."""
    url, _, good = listener
    with Conn(url) as c:
        c.send(good * 3).end()
        assert [c.answer().status for _ in range(3)] == [200] * 3
        assert c.at_end()


@EACH
def test_end_within_a_head_is_silence(listener):
    url, tls, good = listener
    for data in (b"", b"G", b"GET / HTTP/1.1\r\nHost: h\r\n"):
        with Conn(url, tls) as c:
            c.send(data)
            if not tls:
                assert c.end().at_end()
    with Conn(url, tls) as c:
        assert c.ask(good).status == 200


def test_no_tls_at_a_tls_listener_closes_it(kube, admin_tls):
    url = kube.endpoints["apiserver"]
    for data in (get(), b"\0" * 600, b"\x16\x03\x01\x40\x01" + b"\xff" * 20000, b"\x80\x2e\x01\x00\x02"):
        with Conn(url) as c:
            c.send(data)
            while c.fill():
                pass
            assert b"HTTP/1.1 2" not in c.buffer
    with Conn(url, admin_tls) as c:
        assert c.ask(head("GET", "/healthz")).status == 200


def test_http_1_0(site):
    """1.0 closes unless it asks otherwise, and needs no Host when the path names the Connector."""
    with Conn(site.proxy) as c:
        found = c.ask(site.get("tool", "/one-oh", host=None, version="HTTP/1.0"))
        assert found.status == 200 and not found.all("Transfer-Encoding")
        assert c.at_end()
    with Conn(site.proxy) as c:
        for _ in range(2):
            assert c.ask(site.get("tool", "/one-oh", "Connection: keep-alive", version="HTTP/1.0")).status == 200
